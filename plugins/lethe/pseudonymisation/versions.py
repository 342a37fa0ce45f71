"""Four numbers with dots that are a version, a place in a document or a rule, and no address."""

from __future__ import annotations

import re
from typing import Final

from lethe.pseudonymisation.words import ADDRESS_WORDS

# How a dot may be written: percent-encoded, or so that nobody clicks on the address.
DOT: Final = r"(?:\.|%(?:25)*2[Ee]|\[\.\]|\(\.\)|\[dot\])"
BLANK: Final = r"(?:\s|%(?:25)*20|\+)"
VERSION_WORDS: Final = (
    r"(?:upgraded|updated|downgraded) (?:from|to)"
    r"|versions?|ver|v|release|rel|rev|revision|build|firmware|fw|update|upgrade|patch|kernel"
    r"|driver|tag|[a-z]+_version|sdk|protocol|section|oid|chapter|article|paragraph|clause"
    r"|kapitel|abschnitt|artikel|chapitre|paragraphe|ausgabe|fassung|version [a-z]{2,12}|rules?"
    r"|regel|règle|annex|anhang|annexe|appendix|figure|requirement|control|extension|attribute"
    r"|raum|room|salle|rfc ?[0-9]{3,4}|iso ?[0-9]{3,5}|image|mib|schema|api|step|milestone"
    r"|policy|standards|software|browser|версия|версія|versi[oó]ne?|versão|versie|wersja|sürüm|バージョン|版本"
)
# Of these a version follows, with or without a slash.
PRODUCTS: Final = (
    r"windows|android|ios|macos|mac os x|linux|debian|ubuntu|chrome|chromium|firefox|safari|edge"
    r"|opera|nginx|apache|openssl|openssh|php|python|ruby|java|jdk|jre|node|npm|mysql|mariadb"
    r"|redis|mongodb|docker|haproxy|varnish|tomcat|jquery|bootstrap|wordpress|drupal|exim"
    r"|opr|edga?|edgios|crios|fxios|applewebkit|postfix|dovecot|curl|wget|git|zlib|libcurl|libidn2?"
    r"|libssh2?|librtmp|nghttp2|gnutls|glibc|gcc|cmake|office|acrobat|flash|air|unity|openvpn"
    r"|caddy|traefik|envoy|lighttpd|squid|bind|unbound|grafana|prometheus|kibana|elasticsearch"
    r"|logstash|filebeat|kubernetes|kubelet|containerd|podman|keycloak|gitlab|gitea|jenkins"
    r"|nextcloud|owncloud|postgres(?:ql)?|sqlite|rabbitmq|kafka|zookeeper|cassandra|vault|consul"
    r"|terraform|ansible|samba|asterisk|kamailio|freeradius|strongswan|wireguard|thunderbird"
    r"|outlook|teams|zoom|skype|roundcube|phpmyadmin|typo3|joomla|magento|moodle|odoo|spring"
    r"|hibernate|jetty|gunicorn|django|rails|puma|laravel|symfony|composer|webpack|vite|react"
    r"|angular|vue|electron|dotnet|\.net(?: clr)?|powershell|vmware|esxi|proxmox|qemu|libvirt"
)
_QUOTE: Final = r"""(?:\\?["']|%(?:25)*22)?"""
_SIGN: Final = rf"{_QUOTE}{BLANK}?(?:[=:/_-]|%(?:25)*3[AaDd])?{BLANK}?{_QUOTE}v?"
_ARROW: Final = r"[0-9]+(?:\.[0-9]+){1,2}(?:-[a-z0-9]+)? ?(?:->|=>|→) ?v?"
_ATTACHED: Final = (
    r"(?:[A-Za-z0-9_]*[A-Za-z][A-Za-z0-9]*(?:\)?/|[_.#@-]|##)?|[0-9]+(?:\.[0-9]+){0,2}-)"
)
_TAG: Final = r"[A-Za-z0-9]+/[A-Za-z0-9._-]+:"
DOTTED: Final = (
    rf"(?:(?i:{VERSION_WORDS}){_SIGN}|(?i:{PRODUCTS})(?:{BLANK}|=)"
    rf"|{_ARROW}|{_TAG}|{_ATTACHED})?"
    rf"[0-9]+(?:{DOT}[0-9]+){{3,}}"
    r"(?:[._-]?[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*|-[0-9]+(?:\.[0-9]+)*(?:[A-Za-z~+][A-Za-z0-9.~+-]*)?"
    r"|/[A-Za-z._/-]+\.(?:js|css|map|html|woff2?))?"
)

_VERSION: Final = re.compile(
    rf"(?i)(?:(?P<sure>(?:{PRODUCTS})[/_-])"
    rf"|(?P<said>(?:versions?|ver|v|build|[a-z]+_version|sdk|oid|firmware|fw|rev|release){_SIGN}|\br)"
    rf"|(?:{VERSION_WORDS}){_SIGN}|(?:{PRODUCTS})(?:{BLANK}|=)|{_ARROW})\Z"
)
_NAMED: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\)?/|[_.#@-]|##)\Z")
# `snomD785`: letters of both cases, and a number.
_MODEL: Final = re.compile(r"[a-z][A-Z]+[0-9]")
_PATH: Final = re.compile(rf"(?:{_TAG}|[0-9]+(?:\.[0-9]+){{0,2}}-)\Z")
_EDITION: Final = re.compile(
    r"(?i)[._-]?(?:release|rc|beta|alpha|snapshot|final|ga|preview|stable|lts|hotfix|patch|canary"
    r"|nightly|dev|pre|post|sp|x64|x86|amd64|arm64|aarch64|armv7|i386|noarch|linux|win(?:32|64)?"
    r"|darwin|macos|windows)(?![a-z])|-[0-9]+[a-z]"
)
_PACKAGE: Final = re.compile(
    r"(?i)(?:.*\.)?\.?(?:msi|exe|deb|rpm|jar|war|whl|apk|aab|ipa|dmg|pkg|zip|t[gbx]z|tar|tar\.[a-z0-9]+"
    r"|nupkg|gem|bin|iso|img|so|dll|npk|crate|vsix|snap|flatpak|js|mjs|css|map|wasm|woff2?)\Z"
)
# A file of a package: `ui@10.0.2.1/dist/ui.js`.
_ASSET: Final = re.compile(r"/[A-Za-z._/-]+\.(?:js|css|map|html|woff2?)\Z")
# Of a package of Debian.
_REVISION: Final = re.compile(r"-[0-9]{1,2}(?:[A-Za-z~+.].*)?\Z")
_PROGRAM: Final = re.compile(
    r"(?i)\.(?:msi|exe|deb|rpm|jar|war|whl|apk|dmg|bin|img|npk|nupkg|dll)\Z"
)


def is_version(front: str, numbers: list[int], back: str) -> bool:
    """Tell a version by what stands before and behind: in doubt it is an address.

    Addresses have large numbers; private ones begin with 10, as versions seldom do.
    """
    if front.endswith(" /"):
        # As Java writes an address.
        return False
    small, rest_small = max(numbers) < 100, max(numbers[1:]) < 100
    if _EDITION.match(back) and (small or not front):
        return True
    if small and numbers[0] != 10 and _REVISION.match(back):
        return True
    if found := _VERSION.search(front):
        if found["sure"]:
            return True
        return numbers[0] < 100 if found["said"] else small
    if small and (path := _PATH.search(front)):
        return numbers[0] != 10 or path[0].endswith(":")
    if small and front and _PROGRAM.match(back):
        return True
    named = _NAMED.search(front)
    if named is None or named[1].lower() in ADDRESS_WORDS:
        return False
    if front.endswith("-") and named[1].isupper() and len(named[1]) > 1:
        # The number of an article or a course: `KX-10.4.0.88`.
        return True
    if front.endswith("@") and _ASSET.match(back):
        return True
    product = front.endswith("/") and (named[1][0].isupper() or _MODEL.search(named[1]) is not None)
    if product and rest_small:
        return True
    if not small or (numbers[0] == 0 and numbers[1] == 0 and not product):
        return False
    return numbers[0] != 10 or _PACKAGE.match(back) is not None
