"""Decides on one proposal of the pattern: what is personal in it, and what takes its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lethe.pseudonymisation.judge_addresses import Replacements
from lethe.pseudonymisation.judge_daemons import OURS
from lethe.pseudonymisation.judge_people import PeopleJudge
from lethe.pseudonymisation.keyed import JSON_SIGN, QUOTED_SIGN
from lethe.pseudonymisation.patterns import UNBOUND
from lethe.pseudonymisation.people import reads_as_account
from lethe.pseudonymisation.phones import is_phone
from lethe.pseudonymisation.phrases import PHRASE
from lethe.pseudonymisation.spelling import (
    AT_SIGN,
    fully_unquoted,
    has_both,
    is_card,
    is_iban,
    is_random,
)
from lethe.pseudonymisation.words import (
    AFTER_USER,
    FILE_ENDINGS,
    NOT_HANDLES,
    NOT_NAMES,
    SITE_WORDS,
)

_ESCAPE: Final = re.compile(
    r"""%(?:25)*[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[nrt"'/\\]|&[a-z]{2,4};"""
)
_LEAD: Final = re.compile(f"(?:{_ESCAPE.pattern})+")
_KEYED: Final = re.compile(
    rf"""([A-Za-z0-9_.-]+)(=|{JSON_SIGN}|%(?:25)*3[Dd]|{QUOTED_SIGN}|:\s?|\s=\s)(.*)\Z""",
    re.DOTALL,
)
_INNER: Final = re.compile(r"[A-Za-z_]{1,32}=[^=].*\Z", re.DOTALL)
_PERSON_KEY: Final = re.compile(
    r"(?i)(?:.*(?:name|login|user)|principal|identity|logname|ruser|acct|account|usr|uid|u|.*mail.*|remote_user|auth_user"
    r"|user[_-]?id)\Z"
)
# `email: contact`, `session=session`: a field of a table, an argument.
_SAYS_NOTHING: Final = re.compile(r"[A-Za-z_.:-]{1,24}\Z")
_MAIL_KEY: Final = re.compile(r"(?i)mail(?:to|[_-]?addr(?:ess)?)?\Z")
# A user by his number names nobody outside, and many things are counted by user.
_COUNTS: Final = re.compile(r"(?i)(?:uid|.+[_.-]user)\Z")
# A word behind `account:` mostly is no name.
_OFTEN_WORDS: Final = frozenset({"login", "account", "pass", "pwd", "uid"})
_QUOTES: Final = {'"': '"', "'": "'", "<": ">"}
# What stands in the place of a value that was taken out, or never was there.
_NOT_SECRET: Final = re.compile(
    r"(?i)(?:[-\u2013]+|n/a|[\[<({*]*(?:null|none|nil|true|false|yes|no|undefined|empty|redacted"
    r"|filtered|hidden|protected|masked|removed|unknown|anonymous|implicit|not set)[\]>)}*]*"
    r"|\*+|x+|\.+|.)\Z"
)
_QUOTED: Final = re.compile(r"""(.*?[ :=])(\\?["'])(.*?)(\\?["'])\Z""", re.DOTALL)
_DIGITS: Final = re.compile(r"[0-9]+")
_PHRASE: Final = re.compile(PHRASE)
# Behind these mostly stands an ordinary word: only letters with digits are a name.
_WEAK_PHRASE: Final = re.compile(
    r"(?i)(?:account|member|customer|patient|employee"
    r"|(?<!für )(?<!von )(?<!bei )(?<!beim )(?<!durch )(?:benutzer|nutzer|anwender)(?:in|s)?"
    r"|(?<!l['\u2019])utilisat(?:eur|rice)|usuario"
    r"|utente|(?<!voor )gebruiker|kunde|kundin) \Z"
)
_BARE_USER: Final = re.compile(r"(?i)(?:(?:by|of) )?user[ :(]{1,3}\Z|[a-zé]+ (?:by|par) \Z")
_DOTTED_NAME: Final = re.compile(r"[^\W\d]+\.[^\W\d]{2,}\Z")
_COOKIES: Final = re.compile(r"(?i)(?:set-)?cookie:")
_COOKIE: Final = re.compile(r"([^=;\s]+=)([^;\s]+)")
_BEHIND: Final = re.compile(r"(?i)(.*(?:/|%(?:25)*2F))(.*)\Z")
# `/users/v2`, `/home/page3`: parts of a site, not people.
_VERSIONED: Final = re.compile(
    r"(?i)(?:v|page|step|tab|part|api|level|section|version|index|slide|img|image|photo|list|item)"
    r"[_.-]?[0-9.]+\Z|.*[0-9]{4}-[0-9]{2}|.*[0-9]\.[0-9]|[a-z]+-[a-z]+-"
)


class Judge(PeopleJudge):
    """Writes what takes the place of a proposal; returns it unchanged where nothing is personal."""

    def __init__(self, replacements: Replacements) -> None:
        super().__init__(replacements)
        front = "_judge_"
        self._deciders: dict[str, Callable[[str], str]] = {
            name.removeprefix(front): getattr(self, name)
            for name in dir(self)
            if name.startswith(front)
        }

    def judge(self, kind: str, text: str) -> str:
        """Decide on one proposal of the given kind."""
        if OURS.fullmatch(text):
            return text
        lead = ""
        if kind not in UNBOUND:
            match = _LEAD.match(text)
            if match and match.end() < len(text):
                lead, text = match[0], text[match.end() :]
                if kind == "email":
                    lead, text = _give_back(lead, text)
        decide = self._deciders.get(kind)
        return lead + (decide(text) if decide else text)

    def _judge_url_user(self, text: str) -> str:
        return f"//{self._replace.value('user', fully_unquoted(text[2:-1]))}@"

    def _judge_tilde(self, text: str) -> str:
        return f"/~{self.value('user', text[2:])}"

    def _judge_crontab(self, text: str) -> str:
        front, name = text[:-1].rsplit("(", 1)
        return f"{front}({self.value('user', name)})"

    def _judge_su(self, text: str) -> str:
        to, by = text[4 : -len(" on")].split(") ", 1)
        return f"(to {self.value('user', to)}) {self.value('user', by)} on"

    def _judge_phone(self, text: str) -> str:
        plain = fully_unquoted(text)
        digits = "".join(_DIGITS.findall(plain))
        return self._replace.value("phone", digits) if is_phone(plain, digits) else text

    def _judge_phone_key(self, text: str) -> str:
        match = re.match(r"(.*?(?:=|%(?:25)*3[Dd]|:\s?))(.*)\Z", text, re.DOTALL)
        if match is None:
            return text
        digits = "".join(_DIGITS.findall(fully_unquoted(match[2])))
        return match[1] + self._replace.value("phone", digits)

    def judge_rarity(self, text: str) -> str:
        """Decide on a proposal of `RARE`: a handle, a package in its scope, an odd host, a bot."""
        if text.startswith("/@"):
            return self._judge_handle(text)
        if _COOKIES.match(text):
            return _COOKIE.sub(self._judge_cookie, text)
        if text.startswith("bot"):
            return "bot" + self._replace.value("token", text[3:])
        if text[0] in ":%":
            return self._judge_odd_host(text)
        return text if "/@" in text else self._judge_shared_folder(text)

    def _judge_cookie(self, match: re.Match[str]) -> str:
        name, value = match.groups()
        return name + (value if OURS.fullmatch(value) else self._replace.value("token", value))

    def _judge_handle(self, text: str) -> str:
        name = text[2:].rstrip(".")
        if text.endswith("@") or "/" in name or name.lower() in NOT_HANDLES:
            return text
        return f"/@{self._replace.value('user', name)}{text[2 + len(name) :]}"

    def _judge_behalf(self, text: str) -> str:
        front = "on behalf of "
        domain, stroke, name = text[len(front) :].rpartition("\\")
        return f"{front}{domain}{stroke}{self.value('user', name)}"

    def _judge_quoted(self, text: str) -> str:
        match = _QUOTED.match(text)
        if match is None or match[3].strip().lower() in NOT_NAMES or _NOT_SECRET.match(match[3]):
            return text
        return match[1] + match[2] + self.value("user", match[3]) + match[4]

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
        if not any(c.isalnum() for c in name) or name.lower() in NOT_NAMES:
            return text
        if _BARE_USER.match(front) and name.lower() in AFTER_USER:
            return text
        clear = has_both(name) or AT_SIGN.search(name) or _DOTTED_NAME.match(name)
        if _WEAK_PHRASE.search(front) and not clear:
            return text
        return front + self.value("user", name) + after

    def _judge_home(self, text: str) -> str:
        cut = max(text.rfind("/"), text.rfind("\\")) + 1
        return text[:cut] + self.value("user", text[cut:])

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
        if sign.startswith(":") and (inner := _INNER.match(value)):
            # `Failed Login: username=anna`
            return f"{key}{sign}{opening}{self._judge_keyed(inner[0])}{closing}"
        person = _PERSON_KEY.match(key) is not None
        if _SAYS_NOTHING.match(value) and (_MAIL_KEY.search(key) or value.lower() == key.lower()):
            return text
        if not value or _NOT_SECRET.match(value) or (value.isdigit() and len(value) < 3):
            return text
        if key.lower() == "pwd" and value.startswith("/"):
            # Of a shell's PWD only the home directory names somebody.
            home = re.match(r"/(?:home|Users)/[^/]+", value)
            return f"{key}{sign}{self._judge_home(home[0])}{value[home.end() :]}" if home else text
        open_sign = sign[0] in ": \t" and not (opening or key.lower().startswith("passw"))
        if open_sign and not person and not any(c.isdigit() for c in value):
            return text
        if _COUNTS.match(key) and not any(c.isalpha() for c in value):
            return text
        word = key.lower() in _OFTEN_WORDS and sign.startswith(":")
        if word and not (has_both(value) or AT_SIGN.search(value)):
            return text
        kind = "user" if person else "token"
        return f"{key}{sign}{opening}{self.value(kind, value)}{closing}"

    def _judge_auth(self, text: str) -> str:
        match = re.match(r"([A-Za-z]+(?: [A-Za-z]+:?)?(?:\s|%20|\+)+)(.*)\Z", text, re.DOTALL)
        if match is None or not re.search(r"[0-9A-Z=]", match[2]):
            return text
        if " " in match[1].strip() and not has_both(match[2]):
            # `Basic authentication: Failed`
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

    def _judge_path_token(self, text: str) -> str:
        word, value = text.split("/", 1)
        if AT_SIGN.search(value):
            return f"{word}/{self._judge_email(value)}"
        if len(value) < 12 or not any(c.isdigit() for c in value):
            return text
        return f"{word}/{self._replace.value('token', value)}"

    def _judge_path_name(self, text: str) -> str:
        match = _BEHIND.match(text)
        if match is None:
            return text
        front, name = match.groups()
        if "@" in name or AT_SIGN.search(name):
            return front + self._judge_email(name)
        plain = fully_unquoted(name)
        if plain.rpartition(".")[2].lower() in FILE_ENDINGS or _VERSIONED.match(plain):
            return text
        words = set(plain.lower().split("_"))
        joined = len(words) > 1 and not words & SITE_WORDS
        named = has_both(plain) or joined or reads_as_account(plain)
        return front + self.value("user", name) if named else text

    def _judge_shared_folder(self, text: str) -> str:
        cut = text.rfind("/") + 1
        name = text[cut:]
        if OURS.fullmatch(name):
            return text
        if AT_SIGN.search(name):
            return text[:cut] + self._judge_email(name)
        return text if name.lower() in SITE_WORDS else text[:cut] + self.value("user", name)

    def _judge_run(self, text: str) -> str:
        return self._replace.value("token", text) if is_random(text) else text


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
