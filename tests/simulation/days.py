"""The oracle's own calendar: month arithmetic and Luxembourg's clock, from the rules on paper.

Shares nothing with the product: no time-zone data, no calendar module.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def month_length(year: int, month: int) -> int:
    """Days of a month of the Gregorian calendar."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _LENGTHS[month - 1]


def last_day(start: date, months: int) -> date:
    """The same day some months later; where there is none, the month's last (1182/71 Art. 3)."""
    year, month, left = start.year, start.month, months
    while left:
        month += 1
        left -= 1
        if month == 13:
            year, month = year + 1, 1
    return date(year, month, min(start.day, month_length(year, month)))


def day_in_luxembourg(utc: datetime) -> date:
    """The calendar day on which something happened: UTC+1, and +2 in the Union's summer time.

    Source  Directive 2000/84/EC: from 01:00 UTC on the last Sunday of March to that of October
    """
    summer = _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)
    return (utc + timedelta(hours=2 if summer else 1)).date()


def every_day(first: date, last: date) -> Iterator[date]:
    """All days from first to last."""
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def _last_sunday(year: int, month: int) -> datetime:
    day = datetime(year, month, month_length(year, month), 1)  # noqa: DTZ001 (UTC, by its name)
    while day.weekday() != 6:
        day -= timedelta(days=1)
    return day
