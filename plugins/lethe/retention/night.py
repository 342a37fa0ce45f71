"""A night of the sweep as the warehouse keeps it: the run, its rules, and how far each has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from psycopg2 import extensions

from lethe.evidence.runs import Run, read_run
from lethe.include import statement

RuleState = Literal["planned", "waiting", "approved", "rejected", "superseded", "stopped", "done"]
CLEARED = ("planned", "approved")
"""States in which a rule may be worked on."""
RESTORED = "erased before and back after a restore"
"""Why a set waits that a replay found."""


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A rule of a run, as the warehouse keeps it."""

    rule: str
    kind: str
    cluster: str
    clause: str
    state: RuleState
    planned: int
    counts: Mapping[str, int]
    oldest_on: date | None
    newest_on: date | None
    over_limit: str | None
    digest: bytes
    flags: Mapping[str, Any]

    @property
    def due(self) -> int:
        """Subjects that were due when the set was frozen."""
        return self.counts.get("due", 0)


@dataclass(frozen=True, slots=True)
class Night:
    """A run and its rules."""

    run: Run
    rules: tuple[PlannedRule, ...]

    @property
    def cleared(self) -> tuple[str, ...]:
        """Rules that may be worked on."""
        return tuple(rule.rule for rule in self.rules if rule.state in CLEARED)


def read_night(connection: extensions.connection, run_id: UUID) -> Night:
    """Read a run and its rules."""
    run = read_run(connection, run_id)
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_plan_rules"), {"run_id": str(run_id)})
        return Night(run, tuple(_planned(row) for row in cursor.fetchall()))


def _planned(row: Sequence[Any]) -> PlannedRule:
    fields = list(row)
    fields[10] = bytes(row[10])
    return PlannedRule(*fields)


def set_rule_state(
    connection: extensions.connection,
    run_id: UUID,
    rule: str,
    state: str,
    *,
    over_limit: str | None = None,
) -> None:
    """Write how far a rule of a run has come; the caller commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("retention/set_rule_state"),
            {"run_id": str(run_id), "rule": rule, "state": state, "over_limit": over_limit},
        )
