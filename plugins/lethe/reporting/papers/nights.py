"""The calendar of a report: every night, also those without a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from lethe.reporting.summary import NightLine, Summary


@dataclass(frozen=True, slots=True)
class Night:
    """All runs of one calendar night; `ran` is False where there was none."""

    day: date
    ran: bool
    erased: int
    not_erased: int
    oldest_overdue_days: int


def nights_of(summary: Summary) -> tuple[Night, ...]:
    """List every calendar night from the first to the end of the period, silent ones too.

    Nights before the first run count only where the Summary tells of a silent sweep: else there
    was nothing to run yet.
    """
    if not summary.nights:
        return ()
    first = min(night.as_of for night in summary.nights)
    if any(silence.duty == "retention_sweep" for silence in summary.silences):
        first = min(summary.first, first)
    last = max(summary.last, *(night.as_of for night in summary.nights))
    by_day: dict[date, list[NightLine]] = {}
    for night in summary.nights:
        by_day.setdefault(night.as_of, []).append(night)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(_night(day, by_day.get(day, [])) for day in days)


def _night(day: date, runs: list[NightLine]) -> Night:
    return Night(
        day,
        bool(runs),
        sum(run.erased for run in runs),
        sum(run.not_erased for run in runs),
        runs[-1].oldest_overdue_days if runs else 0,
    )
