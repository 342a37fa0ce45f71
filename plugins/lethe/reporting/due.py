"""Which reports a run owes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import cast

from lethe.reporting.facts import Period

Due = tuple[Period, date]


def due_reports(
    as_of: date,
    *,
    asked: Sequence[str] = (),
    by_clock: bool = False,
    since: date = date.min,
    was_sent: Callable[[Period, date], bool] = lambda _period, _last: False,
) -> list[Due]:
    """Name the reports: the day's, and on the first of a month that of the last one.

    asked     periods that a person asks for, up to that day; these alone
    by_clock  the run comes by the clock: nothing is owed twice, nor for a day before `since`
    """
    if asked:
        return [(cast(Period, period), as_of) for period in asked]
    due: list[Due] = [("day", as_of)]
    if as_of.day == 1:
        due.append(("month", as_of - timedelta(days=1)))
    if by_clock:
        due = [(period, last) for period, last in due if last >= since]
        due = [(period, last) for period, last in due if not was_sent(period, last)]
    return due
