"""Decides on one proposal of the pattern: what is personal in it, and what takes its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from typing import Final, Protocol
from urllib.parse import unquote

from lethe.pseudonymisation.addresses import MARK, pack_address
from lethe.pseudonymisation.patterns import (
    BLANK,
    DOT,
    IBAN_LENGTHS,
    JSON_SIGN,
    PHRASE,
    PRODUCTS,
    UNBOUND,
    VERSION_WORDS,
)


class Replacements(Protocol):
    """What takes the place of a personal value, by kind.

    linkable   whether the same address always gets the same pseudonym
    """

    linkable: bool

    def address(self, packed: bytes) -> str:
        """Replace an address."""

    def value(self, kind: str, value: str) -> str:
        """Replace a value of the kind email, user, token, card, iban or phone."""


_ESCAPE: Final = re.compile(
    r"""%(?:25)*[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[nrt"'/\\]|&[a-z]{2,4};"""
)
_LEAD: Final = re.compile(f"(?:{_ESCAPE.pattern})+")
_AT: Final = re.compile(r"@|%(?:25)*40|\\u0040|\\x40|&#64;|&#x40;|&commat;")
# Already canonical but for its case; nearly all are.
_PLAIN_EMAIL: Final = re.compile(r"[a-z0-9_][a-z0-9_.+-]*@(?:[a-z0-9-]+\.)+([a-z]{2,24})\Z")
# Endings after `name@2x.` or `unit@1000.` that no domain has.
_FILE_ENDINGS_TEXT: Final = (
    "png jpg jpeg gif svg webp ico bmp avif tif tiff heic js mjs cjs ts jsx tsx css scss less map "
    "html htm php asp aspx jsp do json xml txt csv tsv pdf doc docx xls xlsx ppt pptx odt rtf woff "
    "woff2 ttf eot otf mp3 mp4 m4a m4v webm ogg wav avi gz tgz bz2 xz zst tar rar 7z whl jar war "
    "exe dll msi dmg pkg deb rpm apk iso img bin log conf cfg ini yaml yml toml lock sql bak tmp "
    "service socket target timer mount automount slice scope device swap path local internal "
    "md5 sha1 sha256 sig asc min swf ics vcf wasm"
)
_FILE_ENDINGS: Final = frozenset(_FILE_ENDINGS_TEXT.split())
# Of these a host name ends on more than a file does.
_HOST_ENDINGS: Final = frozenset({"local", "internal", "do", "zip"})
_NOT_NAMES_TEXT: Final = (
    "agent agents name names id ids is was has had not and or the a an of in on to from for with "
    "by unknown account accounts data group groups login logins logout session sessions count "
    "list table interface interaction input request requests space slice management manager "
    "experience error errors found does already cannot can password defined specified supplied "
    "provided guide manual authentication authorization profile settings preferences created "
    "deleted updated connected disconnected exited logged interrupt mode uid gid null none nil "
    "- pam_unix check remote host port service process processes system systems target level state "
    "directory database role roles list lists type types field fields object objects"
)
_NOT_NAMES: Final = frozenset(_NOT_NAMES_TEXT.split())
_VERSION: Final = re.compile(
    rf"(?i)(?:(?:{VERSION_WORDS})(?:[\"']|%22)?{BLANK}?[=:/_-]?{BLANK}?[\"']?v?"
    rf"|(?:{PRODUCTS})(?:[/_-]|{BLANK}))\Z"
)
_DOTTED: Final = re.compile(
    rf"(.*?)(?<![0-9.])([0-9]+(?:{DOT}[0-9]+){{3,}})([._-]?[A-Za-z][A-Za-z0-9.-]*|/.*)?\Z",
    re.DOTALL,
)
_DASHED: Final = re.compile(r"(.*?)(?<![0-9])((?:[0-9]{1,3}-){3}[0-9]{1,3})((?:[.-].*)?)\Z")
_KEYED: Final = re.compile(
    rf"""([A-Za-z0-9_-]+)(=|{JSON_SIGN}|%(?:25)*3[Dd]|\\?["']\s?:\s?\\?["']|:\s?)(.*)\Z""",
    re.DOTALL,
)
_PERSON_KEY: Final = re.compile(
    r"(?i)(?:.*(?:name|login)|user|logname|ruser|acct|account|usr|uid|u|.*mail.*|remote_user|auth_user"
    r"|user[_-]?id)\Z"
)
# A user by his number names nobody outside; a word behind `account:` mostly is no name.
_OFTEN_COUNTS: Final = frozenset({"uid"})
_OFTEN_WORDS: Final = frozenset({"login", "account", "pass", "pwd", "uid"})
_QUOTES: Final = {'"': '"', "'": "'", "<": ">"}
_NOT_SECRET: Final = re.compile(r"(?i)(?:-|null|none|true|false|redacted|\*+|x+|\[redacted\]|.)\Z")
_DIGITS: Final = re.compile(r"[0-9]+")
_PHRASE: Final = re.compile(PHRASE)
# Behind these mostly stands an ordinary word: only letters with digits are a name.
_WEAK_PHRASE: Final = re.compile(r"(?i)(?:account|member|customer|patient|employee) \Z")
_PERCENT: Final = re.compile("%[0-9A-Fa-f]{2}")
_BEHIND: Final = re.compile(r"(?i)([a-z]+(?:/|%(?:25)*2F))(.*)\Z")
# `/users/v2`, `/home/page3`: parts of a site, not people.
_VERSIONED: Final = re.compile(
    r"(?i)(?:v|page|step|tab|part|api|level|section|version|index|slide|img|image|photo|list|item)"
    r"[_.-]?[0-9.]+\Z|.*[0-9]{4}-[0-9]{2}|[a-z]+-[a-z]+-"
)
_ARPA: Final = re.compile(r"(?i)\.(?:in-addr|ip6)\.arpa\Z")


def fully_unquoted(text: str) -> str:
    """Undo percent-encoding however often it was applied, up to three times."""
    for _ in range(3):
        if _PERCENT.search(text) is None:
            break
        text, before = unquote(text, errors="backslashreplace"), text
        if text == before:
            break
    return text


def canonical_email(text: str) -> str:
    """Write an e-mail address so that all its spellings are one."""
    at = _AT.search(text)
    if at:
        text = f"{text[: at.start()]}@{text[at.end() :]}"
    text = re.sub(r"(?:\\x[89a-fA-F][0-9A-Fa-f])+", _joined_bytes, fully_unquoted(text))
    return unicodedata.normalize("NFC", text).strip(".").lower()


def _joined_bytes(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("\\x", "")).decode("utf-8", "backslashreplace")


def passes_luhn(digits: str) -> bool:
    """Tell whether a number carries a valid Luhn check digit (ISO/IEC 7812-1)."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])) % 10 == 0


def is_card(digits: str) -> bool:
    """Tell whether digits are a payment card number: issuer range, length and Luhn."""
    length, front = len(digits), int(digits[:4]) if len(digits) >= 4 else 0
    issued = (
        (digits[0] == "4" and length in (13, 16, 19))
        or ((5100 <= front <= 5599 or 2221 <= front <= 2720) and length == 16)
        or (front // 100 in (34, 37) and length == 15)
        or ((front == 6011 or 6440 <= front <= 6599 or front // 100 == 65) and length in (16, 19))
        or (3528 <= front <= 3589 and length == 16)
        or ((3000 <= front <= 3059 or front // 100 in (36, 38, 39)) and length == 14)
        or (front // 100 == 62 and 16 <= length <= 19)
        or (front // 100 in (50, 56, 57, 58, 63, 67) and 13 <= length <= 19)
    )
    return issued and len(set(digits)) > 1 and passes_luhn(digits)


def is_iban(text: str) -> bool:
    """Tell whether a compact string is an IBAN: country, length and mod 97 (ISO 13616)."""
    text = text.upper()
    if len(text) != IBAN_LENGTHS.get(text[:2]) or not (text.isalnum() and text.isascii()):
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


class Judge:
    """Writes what takes the place of a proposal; returns it unchanged where nothing is personal."""

    def __init__(self, replacements: Replacements) -> None:
        self._replace = replacements
        front = "_judge_"
        self._deciders: dict[str, Callable[[str], str]] = {
            name.removeprefix(front): getattr(self, name)
            for name in dir(self)
            if name.startswith(front)
        }

    def judge(self, kind: str, text: str) -> str:
        """Decide on one proposal of the given kind."""
        lead = ""
        if kind not in UNBOUND:
            match = _LEAD.match(text)
            if match and match.end() < len(text):
                lead, text = match[0], text[match.end() :]
                if kind == "email":
                    lead, text = _give_back(lead, text)
        decide = self._deciders.get(kind)
        return lead + (decide(text) if decide else text)

    def value(self, kind: str, text: str) -> str:
        """Replace a whole value, which is an e-mail or an address where it reads as one."""
        plain = fully_unquoted(text)
        if "@" in plain and (at := plain.rfind("@")) and "." in plain[at:] and " " not in plain:
            return self._replace.value("email", canonical_email(plain))
        if (packed := pack_address(plain)) is not None:
            return MARK + self._replace.address(packed)
        return self._replace.value(kind, plain)

    def _judge_url_user(self, text: str) -> str:
        return f"//{self._replace.value('user', fully_unquoted(text[2:-1]))}@"

    def _judge_tilde(self, text: str) -> str:
        return f"/~{self._replace.value('user', fully_unquoted(text[2:]))}"

    def _judge_bracketed(self, text: str) -> str:
        name, rest = text[1:].split("]", 1)
        return f"[{self.value('user', name)}]{rest}"

    def _judge_crontab(self, text: str) -> str:
        front, name = text[:-1].rsplit("(", 1)
        return f"{front}({self.value('user', name)})"

    def _judge_su(self, text: str) -> str:
        to, by = text[4 : -len(" on")].split(") ", 1)
        return f"(to {self.value('user', to)}) {self.value('user', by)} on"

    def _judge_phone(self, text: str) -> str:
        return self._replace.value("phone", "".join(_DIGITS.findall(fully_unquoted(text))))

    def _judge_phone_key(self, text: str) -> str:
        match = re.match(r"(.*?(?:=|%(?:25)*3[Dd]|:\s?))(.*)\Z", text, re.DOTALL)
        return match[1] + self._judge_phone(match[2]) if match else text

    def _judge_spaced(self, text: str) -> str:
        cut = text.lower().index("user ") + 5
        name = text[cut : -len(" from ")]
        return text[:cut] + (self.value("user", name) if name.strip() else name) + " from "

    def _judge_by(self, text: str) -> str:
        name = text[3 : -len("(uid=")]
        return f"by {self.value('user', name)}(uid="

    def _judge_phrase(self, text: str) -> str:
        match = _PHRASE.match(text)
        if match is None:
            return text
        front, name, after = text[: match.end()], text[match.end() :], ""
        while name and name[-1] in ".\\":
            name, after = name[:-1], name[-1] + after
        if not name or name.lower() in _NOT_NAMES:
            return text
        if _WEAK_PHRASE.match(front) and not (_has_both(name) or _AT.search(name)):
            return text
        return front + self.value("user", name) + after

    def _judge_home(self, text: str) -> str:
        cut = max(text.rfind("/"), text.rfind("\\")) + 1
        return text[:cut] + self._replace.value("user", text[cut:])

    def _judge_email(self, text: str) -> str:
        plain = text.lower()
        if (match := _PLAIN_EMAIL.match(plain)) and match[1] not in _FILE_ENDINGS:
            return self._replace.value("email", plain)
        at = _AT.search(text)
        if at is None:
            return text
        domain = fully_unquoted(text[at.end() :])
        bare = domain.strip("[]")
        if bare[:1].isdigit() and (packed := pack_address(bare)) is not None:
            user = self._replace.value("user", fully_unquoted(text[: at.start()]))
            return user + at[0] + MARK + self._replace.address(packed)
        ending = domain.rsplit(".", 1)[-1].lower()
        if ending in _FILE_ENDINGS and ending not in ("local", "internal", "do"):
            return text
        if ending.isdigit() or re.match(r"[0-9]x\.", domain):
            return text
        return self._replace.value("email", canonical_email(text))

    def _judge_keyed(self, text: str) -> str:
        match = _KEYED.match(text)
        if match is None:
            return text
        key, sign, value = match.groups()
        opening = closing = ""
        if value.startswith('\\"') and value.endswith('\\"') and len(value) > 4:
            opening, value, closing = '\\"', value[2:-2], '\\"'
        elif value[:1] in _QUOTES and value.endswith(_QUOTES[value[0]]) and len(value) > 1:
            opening, value, closing = value[0], value[1:-1], value[-1]
        person = _PERSON_KEY.match(key) is not None
        if not value or _NOT_SECRET.match(value) or (person and value.isdigit() and len(value) < 3):
            return text
        if key.lower() == "pwd" and value.startswith("/"):
            # Of a shell's PWD only the home directory names somebody.
            home = re.match(r"/(?:home|Users)/[^/]+", value)
            return f"{key}{sign}{self._judge_home(home[0])}{value[home.end() :]}" if home else text
        if sign.startswith(":") and not person and not any(c.isdigit() for c in value):
            return text
        if key.lower() in _OFTEN_COUNTS and not any(c.isalpha() for c in value):
            return text
        word = key.lower() in _OFTEN_WORDS and sign.startswith(":")
        if word and not (_has_both(value) or _AT.search(value)):
            return text
        kind = "user" if person else "token"
        return f"{key}{sign}{opening}{self.value(kind, value)}{closing}"

    def _judge_auth(self, text: str) -> str:
        match = re.match(r"([A-Za-z]+(?:\s|%20|\+)+)(.*)\Z", text, re.DOTALL)
        if match is None or not re.search(r"[0-9A-Z=]", match[2]):
            return text
        return match[1] + self._replace.value("token", match[2])

    def _judge_token(self, text: str) -> str:
        return self._replace.value("token", text)

    def _judge_iban(self, text: str) -> str:
        compact = re.sub(r"[ .+-]|%(?:25)*20", "", text)
        return self._replace.value("iban", compact.upper()) if is_iban(compact) else text

    def _judge_card(self, text: str) -> str:
        groups = list(_DIGITS.finditer(re.sub(r"%(?:25)*20", lambda m: " " * len(m[0]), text)))
        for first in range(len(groups)):
            digits = ""
            for last in range(first, len(groups)):
                digits += groups[last][0]
                if 13 <= len(digits) <= 19 and is_card(digits):
                    start, end = groups[first].start(), groups[last].end()
                    card = self._replace.value("card", digits)
                    return text[:start] + card + text[end:]
        return text

    def _judge_v6(self, text: str) -> str:
        plain = fully_unquoted(re.sub(r"%(?:25)*3[Aa]", ":", text))
        if plain.strip(":") == "" or plain.count(":") < 2:
            return text
        core, after = plain, ""
        packed = pack_address(core)
        if packed is None and core.endswith(":"):
            core, after = core[:-1], ":"
            packed = pack_address(core)
        if packed is None and (port := re.search(r":[0-9]{1,5}\Z", core)):
            packed, after = pack_address(core[: port.start()]), port[0] + after
        if packed is not None:
            return MARK + self._replace.address(packed) + after
        if four := re.search(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}\Z", text):
            return text[: four.start()] + self._judge_v4(four[0])
        return text

    def _judge_host(self, text: str) -> str:
        if text.lower().endswith(".ip6.arpa"):
            return self._replace.value("host", text.lower())
        match = _DASHED.match(text)
        if match is None or max(map(int, match[2].split("-"))) > 255:
            return text
        labels = [label for label in match[3].split(".") if label]
        if labels and (len(labels) < 2 or labels[-1].lower() in _FILE_ENDINGS - _HOST_ENDINGS):
            return text
        return self._replace.value("host", text.lower())

    def _judge_v4(self, text: str) -> str:
        match = _DOTTED.match(text)
        if match is None:
            return text
        front, dotted, back = match[1], fully_unquoted(match[2]), match[3] or ""
        octets = dotted.split(".")
        if len(octets) != 4 or _VERSION.search(front):
            return text
        packed = pack_address(dotted)
        if packed is None:
            return text
        if _ARPA.search(back):
            return front + self._replace.value("host", (dotted + back).lower())
        numbers = [int(octet) for octet in octets]
        small = max(numbers) < 100 and numbers[0] not in (0, 10)
        ending = back.rsplit(".", 1)[-1].lower()
        if back.startswith(".") and ending not in _FILE_ENDINGS:
            if back.count(".") >= 2:
                return front + self._replace.value("host", (dotted + back).lower())
        elif back and small and (front or back[0] != "/"):
            return text
        if front[-1:] == "/" and numbers[2:] == [0, 0]:
            return text
        if front[-1:] in ("/", "-", "_") and small and (back or front[0].isupper()):
            return text
        if front and front[-1].isalpha() and small:
            return text
        return front + MARK + self._replace.address(packed) + back

    def _judge_path_token(self, text: str) -> str:
        word, value = text.split("/", 1)
        if len(value) < 12 or not any(c.isdigit() for c in value):
            return text
        return f"{word}/{self._replace.value('token', value)}"

    def _judge_path_name(self, text: str) -> str:
        match = _BEHIND.match(text)
        if match is None:
            return text
        front, name = match.groups()
        if "@" in name or "%" in name:
            return front + self._judge_email(name)
        ending = name.rpartition(".")[2].lower()
        part = not _has_both(name) or _VERSIONED.match(name)
        return text if part or ending in _FILE_ENDINGS else front + self.value("user", name)

    def _judge_run(self, text: str) -> str:
        return self._replace.value("token", text) if _is_random(text) else text


def _has_both(text: str) -> bool:
    return any(c.isalpha() for c in text) and any(c.isdigit() for c in text)


def _give_back(lead: str, text: str) -> tuple[str, str]:
    """Return to a local part the escapes at its front that stand for a letter of it."""
    escapes = list(_ESCAPE.finditer(lead))
    cut = len(lead)
    for escape in reversed(escapes):
        plain = fully_unquoted(escape[0])
        if escape[0][0] != "%" or not (plain.isalnum() or plain in "_.+-" or plain[0] == "\\"):
            break
        cut = escape.start()
    return lead[:cut], lead[cut:] + text


def _is_random(text: str) -> bool:
    """Tell a random identifier from a slug, a file name or a digest in an asset's name."""
    body, _, ending = text.partition(".")
    if ending:
        return False
    parts = re.split(r"[-_]", body)
    longest = max(parts, key=len)
    digits = sum(c.isdigit() for c in body)
    letters = sum(c.isalpha() for c in body)
    if re.fullmatch(
        r"(?:(?i:sess?|session|sid|tok|token|key|auth|user|id|uid|rt|at|ref)[-_])?[0-9a-fA-F]{32,}",
        body,
    ):
        return digits > 3 and letters > 1
    if len(body) < 24 or digits < 3 or letters < 6 or len(longest) < 12:
        return False
    mixed = any(c.isupper() for c in body) and any(c.islower() for c in body)
    switches = sum(a.isdigit() != b.isdigit() for a, b in pairwise(longest))
    return mixed and switches >= 4
