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
    "agent agents name names id ids is was has had not and or the a an of in on to from for "
    "with by unknown account accounts data group groups login logins logout session sessions "
    "count list table interface interaction input request requests space slice management "
    "manager experience error errors found does already cannot can password defined specified "
    "supplied provided guide manual authentication authorization profile settings preferences "
    "created deleted updated connected disconnected exited logged interrupt mode uid gid null "
    "none nil - pam_unix check remote host port service process processes system systems target "
    "level state this that our your their le la les un une der die das dem den des ein eine "
    "einem einer mit ohne im nur admins staff everyone anyone nobody somebody someone all any "
    "both each directory database role roles lists type types field fields object objects db "
    "its cn ou dc uid"
)


NOT_NAMES: Final = frozenset(_NOT_NAMES_TEXT.split())


# With `user` in front these make a sentence; behind `invalid user` they may be names.
_AFTER_USER_TEXT: Final = (
    "action actions code trigger triggers must may might should could would will shall choose "
    "chooses set sets get gets attempt attempts acted acts identity without setting convenience "
    "mount mounts module modules wants want needs need tries tried clicked entered opened "
    "closed selected requested facing friendly info information detail details record records "
    "row rows key keys token tokens pool quota limit limits context home shell story test tests "
    "stats statistics activity activities history feedback review rights access permission "
    "permissions policy presence status class model registration removal deletion creation "
    "update lookup search query export import sync page view content image images file files "
    "folder path paths credentials event events option options message messages output response "
    "entry entries systemd kernel cron scheduler timer signal rule worker client server peer "
    "oom script deploy-bot using via where who whose which if when while then than into onto "
    "over under be been being do did done have having too very also only just even still yet "
    "again always never often sometimes performed interrupts themes its"
)
AFTER_USER: Final = frozenset(_AFTER_USER_TEXT.split())


# Parts of a site behind `/users/`, whose words are joined: `/users/sign_in`.
_SITE_WORDS_TEXT: Final = (
    "sign log login logout in out up on off reset forgot change password passwords edit new "
    "list show index search find filter settings setting profile profiles order orders history "
    "account accounts me self by id ids export import bulk delete remove destroy update create "
    "add save two factor auth authenticate confirm confirmation verify invite invitation "
    "invitations count stats report reports admin public private group groups role roles "
    "permission permissions token tokens session sessions api all active inactive deleted "
    "archived recent online contact contacts address addresses card cards payment payments "
    "invoice invoices billing shipping file files image images avatar photo upload uploads "
    "download downloads message messages notification notifications email emails phone "
    "newsletter subscribe unsubscribe terms privacy policy help faq support about home page "
    "pages tab view views detail details info data json xml html check unlock lock register "
    "registration subscriptions subscription favorites favourites wish wishlist cart checkout "
    "device devices key keys status language locale preferences"
)
SITE_WORDS: Final = frozenset(_SITE_WORDS_TEXT.split())


# Behind `/@` these are scopes of packages and rules of style sheets.
_NOT_HANDLES_TEXT: Final = (
    "angular babel types vue vueuse react-refresh react vite vitejs id fs rollup webpack mui "
    "emotion fortawesome fontsource popperjs tanstack nestjs nuxt nuxtjs next sveltejs "
    "storybook testing-library typescript-eslint eslint jest aws-sdk azure google-cloud "
    "firebase sentry apollo graphql-tools reduxjs radix-ui headlessui tailwindcss ngrx ionic "
    "capacitor octokit actions npmcli yarnpkg node microsoft hotwired rails symfony ckeditor "
    "tiptap lit media import charset font-face keyframes supports page layer container "
    "namespace property me shared components assets"
)
NOT_HANDLES: Final = frozenset(_NOT_HANDLES_TEXT.split())


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


# Behind such a word four numbers are an address, however small they are.
_ADDRESS_WORDS_TEXT: Final = (
    "ip ips ipv4 addr addrs address addresses host hosts hostname whois lookup geo geoip ban "
    "unban banned block blocked allow deny ptr rdns dns ping trace traceroute client clients "
    "peer peers node nodes server servers device devices router switch gw gateway from to via "
    "src dst source dest destination remote local user users net network subnet cidr tcp tcp4 "
    "udp udp4 icmp http https ssh ftp proxy nat vpn lan wan inside outside dmz endpoint target "
    "scan report check abuse login session at by for on upstream backend origin ec2 dyn static "
    "pool dhcp dsl cable customer visitor cam camera printer phone pc srv vm x in out log logs"
)
ADDRESS_WORDS: Final = frozenset(_ADDRESS_WORDS_TEXT.split())
