"""All calendar arithmetic of Lethe: when a period ends, and which starting dates are due.

A period counts from the calendar day of its starting point and ends at the end of the same day,
n years, months or days later; where that day does not exist, on the last day of its month. On its
last day the data still stay; from the next day they are due.

Nothing here reads a clock: `as_of` is always given.

Source  Regulation (EEC, Euratom) 1182/71 Art. 3; PostgreSQL's `date + interval`
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

ONE_DAY: Final = timedelta(days=1)
LONGEST_YEARS: Final = 200

_COUNT = "[1-9][0-9]{0,4}"
PATTERN: Final = f"^P(?:0D|{_COUNT}W|(?=[0-9])(?:{_COUNT}Y)?(?:{_COUNT}M)?(?:{_COUNT}D)?)$"
_PERIOD = re.compile(rf"P(?:({_COUNT})Y)?(?:({_COUNT})M)?(?:({_COUNT})W)?(?:({_COUNT})D)?")
_IN_WORDS = re.compile(r"\s*(\d+)\s*([^\W\d_]+)\s*")
_UNITS: Final = {
    "Y": ("y", "yr", "yrs", "year", "years", "an", "ans", "année", "années", "jahr", "jahre"),
    "M": ("m", "mo", "month", "months", "mois", "monat", "monate"),
    "W": ("w", "wk", "week", "weeks", "semaine", "semaines", "woche", "wochen"),
    "D": ("d", "day", "days", "j", "jour", "jours", "tag", "tage"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A length of calendar time: ISO 8601 years, months, weeks and days.

    Periods have no order of their own: P1M and P30D can only be compared from a date
    (compare `end_of(start, …)`). P1Y and P12M end on the same day but are not equal.
    """

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        counts = (self.years, self.months, self.weeks, self.days)
        if min(counts) < 0:
            raise ValueError("a period counts forward; none of its parts is negative")
        if self.weeks and (self.years or self.months or self.days):
            raise ValueError("weeks stand alone in a period; count them as days")
        if self.total_months / 12 + self.total_days / 365 > LONGEST_YEARS:
            raise ValueError(f"a period is at most {LONGEST_YEARS} years")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an ISO 8601 period: P2Y, P18M, P1Y6M, P2W, P30D; P0D is none at all.

        Raises  ValueError that says what to write instead
        """
        match = _PERIOD.fullmatch(text)
        if text == "P0D":
            return cls()
        if match is None or text == "P":
            raise ValueError(f"'{text}' is not an ISO 8601 period; {_advice(text)}")
        counts = [int(count or 0) for count in match.groups()]
        try:
            return cls(*counts)
        except ValueError as error:
            raise ValueError(f"'{text}' is not a period here: {error}") from None

    @property
    def total_months(self) -> int:
        """Years and months in months, as PostgreSQL keeps them in an interval."""
        return 12 * self.years + self.months

    @property
    def total_days(self) -> int:
        """Weeks and days in days, as PostgreSQL keeps them in an interval."""
        return 7 * self.weeks + self.days

    @property
    def interval(self) -> str:
        """The same period as text that PostgreSQL casts to `interval`."""
        return f"{self.total_months} months {self.total_days} days"

    def __str__(self) -> str:
        counts = ((self.years, "Y"), (self.months, "M"), (self.weeks, "W"), (self.days, "D"))
        return "P" + ("".join(f"{count}{unit}" for count, unit in counts if count) or "0D")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "type": "string",
            "title": "Period",
            "description": "ISO 8601: years, months, weeks or days; no time of day",
            "pattern": PATTERN,
            "examples": ["P2Y", "P18M", "P1Y6M", "P2W", "P30D"],
        }

    @classmethod
    def _validate(cls, value: object) -> Period:
        if isinstance(value, cls):
            return value
        try:
            return cls.parse(value if isinstance(value, str) else str(value))
        except ValueError as error:
            raise PydanticCustomError("period", "{reason}", {"reason": str(error)}) from None


def end_of(start: date, period: Period) -> date:
    """Name the last day on which data with this starting point still stay.

    Returns  9999-12-31 where the period would end later
    """
    try:
        return _add_months(start, period.total_months) + timedelta(days=period.total_days)
    except (OverflowError, ValueError):
        return date.max


def due_from(start: date, period: Period) -> date:
    """Name the first day on which data with this starting point are due."""
    return min(end_of(start, period), date.max - ONE_DAY) + ONE_DAY


def boundary(as_of: date, period: Period) -> date:
    """Name the latest starting date that is due at `as_of`: due means `start <= boundary`."""
    last_end = as_of - ONE_DAY - timedelta(days=period.total_days)
    earlier = _add_months(last_end, -period.total_months)
    return _last_of_month(earlier) if last_end == _last_of_month(last_end) else earlier


def instant_boundary(as_of: date, period: Period, zone: ZoneInfo) -> datetime:
    """Name the instant before which a starting point is due: `started_at < instant_boundary`.

    Returns  aware, in UTC: where the day after `boundary` begins in `zone`
    """
    return start_of_day(boundary(as_of, period) + ONE_DAY, zone)


def naive_boundary(as_of: date, period: Period, zone: ZoneInfo, column_zone: ZoneInfo) -> datetime:
    """Name the bound as a column without a zone writes it: `started_at < naive_boundary`.

    zone         in which days are counted
    column_zone  in which the column's clock is read; of two readings of a repeated hour the
                 later one counts, so nothing is due too early
    """
    if column_zone.key == zone.key:
        return datetime.combine(boundary(as_of, period) + ONE_DAY, time.min)
    instant = instant_boundary(as_of, period, zone)
    wall = instant.astimezone(column_zone)
    later_reading = wall.replace(fold=1)
    if later_reading.utcoffset() == wall.utcoffset():
        return wall.replace(tzinfo=None, fold=0)
    return (instant + (later_reading.utcoffset() or timedelta(0))).replace(tzinfo=None)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Name the first instant of a calendar day, in UTC.

    Where midnight happens twice it is the first one; where it does not exist, the instant at which
    the clock jumps over it.
    """
    midnight = datetime.combine(day, time.min, zone)
    late = midnight.astimezone(UTC)
    early = midnight.replace(fold=1).astimezone(UTC)
    if early >= late:
        return late
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).date() >= day:
            late = middle
        else:
            early = middle
    return late


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """Name the calendar day of an instant, so that it agrees with `start_of_day`."""
    day = instant.astimezone(zone).date()
    return day + ONE_DAY if start_of_day(day + ONE_DAY, zone) <= instant else day


def later_of(first: date, *others: date) -> date:
    """Name the latest of several dates: what two laws keep stays until the later day."""
    return max(first, *others)


def age_at(birth: date, as_of: date) -> int:
    """Count full years of life; who was born on 29 February turns a year on 1 March."""
    return as_of.year - birth.year - ((as_of.month, as_of.day) < (birth.month, birth.day))


def latest_birth(as_of: date, age: int) -> date:
    """Name the latest date of birth of those who are `age` at `as_of`: a later one is younger."""
    return _add_months(as_of, -12 * age)


def financial_year_end(day: date, month: int = 12, last_day: int = 31) -> date:
    """Name the last day of the financial year that a day falls in.

    month, last_day  when the year ends; a day that the month lacks means its last
    """
    this_year = _clamped(day.year, month, last_day)
    return this_year if day <= this_year else _clamped(day.year + 1, month, last_day)


def response_deadline(
    received: date, *, extended: bool = False, holidays: Collection[date] = ()
) -> date:
    """Name the last day on which a request can be answered in time.

    extended  by the two further months, of which the person was told within the first
    holidays  public holidays; an end on one or at a weekend moves to the next working day
    Source    GDPR Art. 12(3); Regulation 1182/71 Art. 3(1), 3(2)(c) and 3(4)
    """
    deadline = end_of(received, Period(months=3 if extended else 1))
    while deadline.isoweekday() > 5 or deadline in holidays:
        deadline += ONE_DAY
    return deadline


def notice_ends(announced_on: date, days: int = 10) -> date:
    """Name the first day on which an announced change may take effect: after `days` full days."""
    return announced_on + timedelta(days=days + 1)


def notice_elapsed(announced_on: date, as_of: date, days: int = 10) -> bool:
    """Say whether `days` full calendar days lie between the announcement and `as_of`."""
    return as_of >= notice_ends(announced_on, days)


def _add_months(day: date, months: int) -> date:
    if isinstance(day, datetime):
        raise TypeError("an instant has no day without a zone: use day_of(instant, zone)")
    years, month = divmod(day.month - 1 + months, 12)
    return _clamped(day.year + years, month + 1, day.day)


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _last_of_month(day: date) -> date:
    return _clamped(day.year, day.month, 31)


def _advice(text: str) -> str:
    words = _IN_WORDS.fullmatch(text)
    if text.isdecimal():
        return f"write P{int(text)}D for days, P{int(text)}M for months"
    if words is not None:
        for unit, names in _UNITS.items():
            if words[2].lower() in names and int(words[1]):
                return f"write P{int(words[1])}{unit}"
    spelled = "".join(text.upper().split())
    if "T" in spelled and spelled.startswith("P"):
        return "it has no time of day; write days, such as P1D"
    without_zeros = re.sub(r"(?<![0-9])0+(?:[YMWD]|(?=[1-9]))", "", spelled)
    if without_zeros == "P" != spelled:
        return "write P0D for no time at all"
    for candidate in (spelled, f"P{spelled}", without_zeros):
        if candidate not in ("P", text) and _PERIOD.fullmatch(candidate):
            return f"write {candidate}"
    return "write years, months, weeks or days, such as P2Y, P18M, P1Y6M, P2W or P30D"
