"""What will be due soon: the judging statement of each rule, asked of a later day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.graph import Graph
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.retention.statements import judge

HORIZONS = (7, 30)
DUE_ALREADY = 0


@dataclass(frozen=True, slots=True)
class Coming:
    """Subjects of a rule that become due within some days, if nothing changes.

    days     0: due already at the day of the preview
    due      subjects that may be erased then
    stopped  subjects whose period has ended then, and whom something stops
    """

    rule: str
    clause: str
    days: int
    due: int
    stopped: int
    first_on: date | None
    last_on: date | None

    def as_data(self) -> dict[str, Any]:
        """The forecast as JSON data."""
        return {
            "rule": self.rule,
            "clause": self.clause,
            "days": self.days,
            "due": self.due,
            "stopped": self.stopped,
            "first_due_on": self.first_on.isoformat() if self.first_on else None,
            "last_due_on": self.last_on.isoformat() if self.last_on else None,
        }


def preview(
    connection: extensions.connection,
    graph: Graph,
    as_of: date,
    horizons: Sequence[int] = (DUE_ALREADY, *HORIZONS),
) -> list[Coming]:
    """Count what becomes due after `as_of` and within each horizon, per rule; nothing is written.

    connection  in a transaction of the planner, which becomes read only
    horizons    days; each judges every subject anew; 0 counts what is due already
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            return [
                _coming(cursor, graph, rule, as_of, days)
                for rule in graph.policy.rules
                for days in horizons
            ]
    except psycopg2.Error as error:
        connection.rollback()
        raise WarehouseRefused(
            f"the preview failed: {describe_database_error(error)}", error.pgcode
        ) from None


def _coming(cursor: extensions.cursor, graph: Graph, rule: str, as_of: date, days: int) -> Coming:
    judged = judge(graph, rule, as_of + timedelta(days=days))
    # At its own day all that is overdue counts; later only what has come since.
    since = date.min if days == DUE_ALREADY else as_of
    cursor.execute(
        sql.SQL(
            "{} SELECT count(*) FILTER (WHERE outcome = 'due'),"
            " count(*) FILTER (WHERE outcome <> 'due'),"
            " min(due_on) FILTER (WHERE outcome = 'due'),"
            " max(due_on) FILTER (WHERE outcome = 'due')"
            " FROM decided WHERE due_on > %(since)s"
        ).format(judged.text),
        {**judged.values, "since": since},
    )
    row = cursor.fetchone()
    assert row is not None  # noqa: S101 (an aggregate always gives a row)
    return Coming(rule, graph.policy.rules[rule].clause, days, *row)
