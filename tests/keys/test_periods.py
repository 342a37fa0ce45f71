"""Names of key periods sort by time."""

from __future__ import annotations

from datetime import date, timedelta

from lethe.keys import month_of, year_of


def test_periods_sort_as_their_days_do() -> None:
    days = [date(1999, 12, 31) + timedelta(days=n) for n in range(800)]
    for name in (month_of, year_of):
        assert [name(day) for day in days] == sorted(name(day) for day in days)
    assert (month_of(date(2026, 8, 31)), year_of(date(2026, 8, 31))) == ("2026-08", "2026")
