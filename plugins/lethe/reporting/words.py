"""What Lethe says in one language: messages, plurals, numbers, days and instants.

Messages stand in include/locale/<language>/LC_MESSAGES/<domain>.po under stable keys such as
`chart.backlog.title`; both languages have every key.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_timezone_location
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from lethe.include import include_folder
from lethe.policy.periods import Period

LANGUAGES: Final = ("en", "fr")
_LOCALES: Final = {"en": "en_GB", "fr": "fr_FR"}
_HIGH_SIGNS: Final = re.compile(r" (?=[:;!?»%])|(?<=[^\W\d_]|\)) ?(?=[:;!?](?:\s|$))")
_OPENING: Final = re.compile(r"(?<=«) ")
_APOSTROPHE: Final = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
_ELIDED: Final = re.compile(r"\b([Dd])e (?=(?:avril|août|octobre)\b)")
_WITH_NAMES: Final = {
    "SQLSTATE": "of_database",
    "still referenced by": "still_referenced",
    "unclassified column": "unclassified_column",
    "locked by": "locked_by",
}
"""Reasons that end with a name: how they begin, and their message."""


@dataclass(frozen=True)
class Wording:
    """The messages of one domain in one language, and how that language writes figures."""

    language: str
    domain: str

    @property
    def locale(self) -> Locale:
        """The locale in which numbers and days are written."""
        return Locale.parse(_LOCALES[self.language])

    def say(self, key: str, **values: object) -> str:
        """Say a message; its `{places}` are filled with `values`."""
        return self._elided(_messages(self.language, self.domain).gettext(key).format(**values))

    def count(self, key: str, number: int, **values: object) -> str:
        """Say a message in the right plural, where it has one; `{n}` in it is the number as people
        write it."""
        known = _messages(self.language, self.domain)
        found = known.ngettext(key, key, number)
        found = known.gettext(key) if found == key else found
        return self._elided(found.format(n=self.number(number), **values))

    def _elided(self, said: str) -> str:
        """French says `d’avril`, `d’août`, `d’octobre`: a month is filled in after `de`."""
        return _ELIDED.sub(r"\1’", said) if self.language == "fr" else said

    def code(self, kind: str, code: str) -> str:
        """Put a code of the Summary into words; one that nobody translated is shown as it is."""
        key = f"{kind}.{code}"
        found = _messages(self.language, self.domain).gettext(key)
        return code.replace("_", " ") if found == key else found

    def has(self, key: str) -> bool:
        """Say whether a message is there."""
        return _messages(self.language, self.domain).gettext(key) != key

    def number(self, number: float) -> str:
        """A number with its separators."""
        return format_decimal(number, locale=self.locale)

    def percent(self, share: float, pattern: str | None = None) -> str:
        """A share from 0 to 1, in percent."""
        return format_percent(share, format=pattern, locale=self.locale)

    def day(self, day: date, width: str = "long") -> str:
        """A day: '3 November 2026', '3 novembre 2026'; French writes the first '1er'."""
        said = format_date(day, width, locale=self.locale)
        is_first = self.language == "fr" and width in ("long", "medium", "full")
        return re.sub(r"(^|\s)1(?=\s)", r"\g<1>1er", said) if is_first else said

    def month(self, day: date) -> str:
        """The month of a day: 'November 2026', 'novembre 2026'."""
        return format_skeleton("yMMMM", day, locale=self.locale)

    def key_period(self, period: str) -> str:
        """The period of a key: a month is named, anything else stays."""
        if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", period):
            return self.month(date.fromisoformat(f"{period}-01"))
        return period

    def instant(self, at: datetime, zone: str, width: str = "long") -> str:
        """A day and a time in a zone."""
        local = at.astimezone(ZoneInfo(zone))
        return f"{self.day(local.date(), width)}, {format_time(local, 'HH:mm', locale=self.locale)}"

    def zone(self, zone: str) -> str:
        """The place whose clocks a time zone follows: 'Luxembourg', 'Londres'."""
        return get_timezone_location(zone, locale=self.locale, return_city=True)

    def period(self, period: Period) -> str:
        """A period in words: 'two years' is written '2 years', P0D 'no time'."""
        parts = (
            (period.years, "duration-year"),
            (period.months, "duration-month"),
            (period.weeks, "duration-week"),
            (period.days, "duration-day"),
        )
        said = [format_unit(count, unit, locale=self.locale) for count, unit in parts if count]
        return self.list(said) if said else format_unit(0, "duration-day", locale=self.locale)

    def list(self, parts: list[str], style: str = "standard") -> str:
        """Several parts: 'a, b and c'."""
        return format_list(parts, style, locale=self.locale) if parts else ""  # type: ignore[arg-type]


def wording(language: str, domain: str = "papers") -> Wording:
    """Choose the language; one that Lethe does not speak is English."""
    return Wording(language if language in LANGUAGES else "en", domain)


def choose(text: Any, language: str) -> str:
    """Of a text by language take the one asked for, else English, else what there is."""
    if not text:
        return ""
    if isinstance(text, str):
        return text
    if language == "fr" and text.get("fr"):
        return write_french(str(text["fr"]))
    return str(text.get(language) or text.get("en") or next(iter(text.values())))


def write_french(text: str) -> str:
    """Write a text that somebody typed as French prints it: its apostrophe, and the spaces before
    high signs and inside quotes that no line may break at."""
    text = _HIGH_SIGNS.sub("\u00a0", _OPENING.sub("\u00a0", text))
    return _APOSTROPHE.sub("\u2019", text)


def say_reason(reason: str, words: Wording) -> str:
    """Why a subject or a row was left alone, in words; a name that nobody translated stays."""
    told = wording(words.language, "report")
    reason = reason.removeprefix("refused: ")
    for start, key in _WITH_NAMES.items():
        if reason.startswith(f"{start} "):
            return told.say(f"reason.{key}", name=reason.removeprefix(start).strip())
    return told.code("reason", reason.replace(" ", "_"))


@cache
def _messages(language: str, domain: str) -> GNUTranslations:
    file = include_folder() / "locale" / language / "LC_MESSAGES" / f"{domain}.po"
    with file.open("rb") as source:
        catalogue = read_po(source, locale=language, domain=domain)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
