"""Names of the periods that a key serves; all of equal form, so that they sort by time."""

from __future__ import annotations

from datetime import date


def month_of(day: date) -> str:
    """Name the month of a day, such as '2026-08': logs have a key a month."""
    return f"{day.year:04d}-{day.month:02d}"


def year_of(day: date) -> str:
    """Name the year of a day: tokens and tombstones have a key a year."""
    return f"{day.year:04d}"
