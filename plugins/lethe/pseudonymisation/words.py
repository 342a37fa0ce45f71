"""Words by which a name or a host is told from something else."""

from __future__ import annotations

from typing import Final

# Endings after `name@2x.` or `unit@1000.` that no domain has.
_FILE_ENDINGS_TEXT: Final = (
    "png jpg jpeg gif svg webp ico bmp avif tif tiff heic js mjs cjs ts jsx tsx css scss less map "
    "html htm php asp aspx jsp do json xml txt csv tsv pdf doc docx xls xlsx ppt pptx odt rtf woff "
    "woff2 ttf eot otf mp3 mp4 m4a m4v webm ogg wav avi gz tgz bz2 xz zst tar rar 7z whl jar war "
    "exe dll msi dmg pkg deb rpm apk iso img bin log conf cfg ini yaml yml toml lock sql bak tmp "
    "service socket target timer mount automount slice scope device swap path local internal "
    "md5 sha1 sha256 sig asc min swf ics vcf wasm"
)


FILE_ENDINGS: Final = frozenset(_FILE_ENDINGS_TEXT.split())


# Of these a file may be named after an e-mail address: `anna@example.org.csv`.
_DOCUMENT_ENDINGS_TEXT: Final = (
    "txt csv tsv json xml pdf doc docx xls xlsx odt html htm zip gz tar 7z eml mbox vcf ics png jpg"
    " jpeg gif bak tmp log yaml yml ini cfg sieve"
)
DOCUMENT_ENDINGS: Final = frozenset(_DOCUMENT_ENDINGS_TEXT.split())


# Of these a host name ends on more than a file does.
HOST_ENDINGS: Final = frozenset({"local", "internal", "do", "zip"})


_NOT_NAMES_TEXT: Final = (
    "agent agents name names id ids is was has had not and or the a an of in on to from for with "
    "by unknown account accounts data group groups login logins logout session sessions count "
    "list table interface interaction input request requests space slice management manager "
    "experience error errors found does already cannot can password defined specified supplied "
    "provided guide manual authentication authorization profile settings preferences created "
    "deleted updated connected disconnected exited logged interrupt mode uid gid null none nil "
    "- pam_unix check remote host port service process processes system systems target level state "
    "directory database role roles list lists type types field fields object objects db"
)


NOT_NAMES: Final = frozenset(_NOT_NAMES_TEXT.split())


# Entries of a directory that are no people.
_NOT_ENTRIES_TEXT: Final = (
    "config monitor users groups people schema subschema accounts builtin computers domain services"
    " changelog backend frontend module hosts aliases default"
)
NOT_ENTRIES: Final = frozenset(_NOT_ENTRIES_TEXT.split())

# What stands in front of an address and a port besides the name of a peer.
_NOT_PEERS_TEXT: Final = (
    "tcp tcp4 tcp6 udp udp4 udp6 sctp icmp ssl tls http https h2 quic ws wss ftp ssh dns dot doh"
    " inside outside dmz wan lan local remote any all source destination src dst client server"
    " proxy upstream backend frontend host peer direct ip ipv4 ipv6 inet inet6"
)
NOT_PEERS: Final = frozenset(_NOT_PEERS_TEXT.split())
