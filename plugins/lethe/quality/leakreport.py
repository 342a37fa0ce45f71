"""What a scan of our own outputs found: files, kinds, numbers and reasons, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lethe.policy.model import Policy
from lethe.policy.said import say_text
from lethe.quality.expectations import POLICY
from lethe.quality.ground import DEFAULTS
from lethe.quality.outcomes import Outcome

_NAMED = 5


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """Something personal in a file; what it is stays unsaid."""

    file: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}: {self.number} × {self.kind}"


@dataclass(frozen=True, slots=True, order=True)
class Unread:
    """Something in a file that could not be looked at; names of members stay unsaid."""

    file: str
    why: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}: {self.number} × {self.why}"


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What a scan found.

    values   how many values of the warehouse were looked for
    cells    how many values of Airflow's metadata were looked at; None: no connection leads there
    unread   what could not be looked at
    in_part  columns of which some values only were looked for
    closed   columns whose values could not be read
    """

    files: int
    size: int
    values: int
    leaks: tuple[Leak, ...]
    cells: int | None = None
    unread: tuple[Unread, ...] = ()
    in_part: int = 0
    closed: int = 0

    @property
    def is_clean(self) -> bool:
        """Nothing was found."""
        return not self.leaks

    @property
    def says(self) -> str:
        """The result in words."""
        found = f"{len(self.leaks)} leaks" if self.leaks else "no leak"
        cells = (
            "Airflow's metadata was not looked at: define the connection lethe_metadata"
            if self.cells is None
            else f"and {self.cells:,} values of Airflow's metadata"
        )
        text = (
            f"{found} in {self.files:,} files ({self.size / 1e6:.1f} MB), {cells}; looked for "
            f"{self.values:,} values of the warehouse and for patterns"
        )
        if self.in_part:
            text += f"; of {self.in_part} columns for the first values only"
        if self.closed:
            text += f"; {self.closed} columns could not be read"
        if self.unread:
            text += f"; {sum(each.number for each in self.unread)} things could not be looked at"
        return text

    def as_json(self) -> dict[str, Any]:
        """The scan as a JSON document."""
        return {
            "clean": self.is_clean,
            "files": self.files,
            "bytes": self.size,
            "values": self.values,
            "columns_in_part": self.in_part,
            "columns_closed": self.closed,
            "cells": self.cells,
            "leaks": [
                {"file": leak.file, "kind": leak.kind, "number": leak.number} for leak in self.leaks
            ],
            "unread": [
                {"file": each.file, "why": each.why, "number": each.number} for each in self.unread
            ],
        }


def outcomes_of(report: LeakReport, policy: Policy) -> tuple[Outcome, ...]:
    """The scan as outcomes of two checks: nothing leaked, and everything could be looked at."""
    return (
        _outcome(
            "leak",
            "no personal value stands in our own files",
            report,
            [(str(leak), leak.number) for leak in report.leaks],
            policy,
        ),
        _outcome(
            "unread",
            "everything in our own files could be looked at",
            report,
            [(str(each), each.number) for each in report.unread],
            policy,
        ),
    )


def _outcome(
    kind: Literal["leak", "unread"],
    title: str,
    report: LeakReport,
    wrong: list[tuple[str, int]],
    policy: Policy,
) -> Outcome:
    check = policy.quality.checks.get(kind)
    severity, mostly = DEFAULTS[kind]
    off = check.off_because if check else None
    named = "; ".join(name for name, _ in wrong[:_NAMED])
    more = f"; {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    because = say_text(off) if off else (named + more or None)
    return Outcome(
        f"{kind}.outputs",
        kind,
        POLICY,
        title,
        check.clause if check else None,
        (check.severity if check else None) or severity,
        (check.owner if check else None) or policy.quality.owner,
        "not applicable" if off else "failed" if wrong else "passed",
        report.files,
        report.files,
        sum(number for _, number in wrong),
        mostly,
        (),
        because,
    )
