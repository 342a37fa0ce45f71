"""What a new edition changes in rows: who becomes due by it, and who is kept longer.

Both editions are judged by the very statements that the sweep plans with; their due sets are
compared by key, cluster by cluster, in the database. Nobody's key leaves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Graph
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.retention.statements import judge

HORIZONS = (0, 30)


@dataclass(frozen=True, slots=True)
class RowChange:
    """How many subjects an edition makes due that the other does not, on one day.

    rule      a rule of the cluster; None: the cluster as a whole
    erased    due by the new edition and not by the old one
    kept      due by the old edition and not by the new one
    both      due by both
    """

    cluster: str
    rule: str | None
    days: int
    erased: int
    kept: int
    both: int

    def as_data(self) -> dict[str, Any]:
        """The change as JSON data."""
        return {
            "cluster": self.cluster,
            "rule": self.rule,
            "days": self.days,
            "more_erased": self.erased,
            "kept_longer": self.kept,
            "due_by_both": self.both,
        }


def diff_rows(
    connection: extensions.connection,
    old: Graph,
    new: Graph,
    as_of: date,
    horizons: Sequence[int] = HORIZONS,
) -> list[RowChange]:
    """Compare the due sets of two editions at `as_of` and some days later; nothing is written.

    connection  in a transaction of the planner, which becomes read only
    old, new    both bound to the same catalogue
    Returns     per cluster and day: the cluster as a whole, then each of its rules
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            return [
                change
                for cluster in dict.fromkeys((*old.policy.clusters, *new.policy.clusters))
                for days in horizons
                for change in _compare(cursor, old, new, cluster, as_of + timedelta(days), days)
            ]
    except psycopg2.Error as error:
        connection.rollback()
        raise WarehouseRefused(
            f"the editions could not be compared: {describe_database_error(error)}", error.pgcode
        ) from None


def say_rows(new: Graph, old: Graph, change: RowChange) -> str:
    """One change of a cluster in a sentence."""
    graph = new if change.cluster in new.policy.clusters else old
    kind = graph.policy.subjects[graph.policy.clusters[change.cluster].subject]
    who = kind.title.get("en") or next(iter(kind.title.values()))
    when = "today" if change.days == 0 else f"within {change.days} days"
    if not change.erased and not change.kept:
        return f"{change.cluster}: nobody among {who} {when}"
    return (
        f"{change.cluster}: this change erases {change.erased:,} more {who} and keeps "
        f"{change.kept:,} longer ({when})"
    )


def _compare(
    cursor: extensions.cursor, old: Graph, new: Graph, cluster: str, day: date, days: int
) -> Iterator[RowChange]:
    before, after = _due(old, cluster, day, "old_"), _due(new, cluster, day, "new_")
    rules = list(dict.fromkeys((*_rules(old, cluster), *_rules(new, cluster))))
    if not rules:
        return
    cursor.execute(
        sql.SQL(
            "SELECT o.rule, n.rule, count(*) FROM ({}) AS o FULL JOIN ({}) AS n"
            " ON n.kind = o.kind AND n.key = o.key GROUP BY o.rule, n.rule"
        ).format(before.text, after.text),
        {**before.values, **after.values},
    )
    counts: dict[tuple[str | None, str | None], int] = {
        (was, becomes): int(count) for was, becomes, count in cursor.fetchall()
    }
    yield _change(cluster, None, days, counts)
    for rule in rules:
        yield _change(cluster, rule, days, counts)


def _change(
    cluster: str,
    rule: str | None,
    days: int,
    counts: Mapping[tuple[str | None, str | None], int],
) -> RowChange:
    def total(*, was: bool, becomes: bool) -> int:
        return sum(
            count
            for (before, after), count in counts.items()
            if (before is not None) == was
            and (after is not None) == becomes
            and (rule is None or rule in (before, after))
        )

    return RowChange(
        cluster,
        rule,
        days,
        erased=total(was=False, becomes=True),
        kept=total(was=True, becomes=False),
        both=total(was=True, becomes=True),
    )


def _rules(graph: Graph, cluster: str) -> list[str]:
    return [name for name, rule in graph.policy.rules.items() if rule.cluster == cluster]


def _due(graph: Graph, cluster: str, day: date, prefix: str) -> Statement:
    """Who is due in a cluster by an edition: kind of key, key, rule."""
    parts: list[sql.Composable] = []
    values: dict[str, object] = {}
    for number, rule in enumerate(_rules(graph, cluster)):
        judged = renamed(judge(graph, rule, day), f"{prefix}{number}_")
        named = f"{prefix}{number}_rule"
        source = f"{prefix}{number}_kind"
        parts.append(
            sql.SQL(
                "SELECT {}::text AS kind, d.key, {}::text AS rule"
                " FROM ({} SELECT key FROM decided WHERE outcome = 'due') AS d"
            ).format(sql.Placeholder(source), sql.Placeholder(named), judged.text)
        )
        values |= {**judged.values, named: rule, source: _key_name(graph, cluster)}
    if not parts:
        return Statement(
            sql.SQL(
                "SELECT NULL::text AS kind, NULL::text[] AS key, NULL::text AS rule WHERE false"
            )
        )
    return Statement(sql.SQL(" UNION ALL ").join(parts), values)


def _key_name(graph: Graph, cluster: str) -> str:
    """What a key names: the same subjects may be called otherwise in another edition."""
    kind = graph.kind_of(cluster)
    return f"{kind.table or kind.query}/{'/'.join(kind.key)}"


def renamed(found: Statement, prefix: str) -> Statement:
    """The same statement with other names of values, so that two can stand side by side."""
    values = {f"{prefix}{name}": value for name, value in found.values.items()}
    return Statement(_renamed(found.text, prefix), values)


def _renamed(part: sql.Composable, prefix: str) -> sql.Composable:
    if isinstance(part, sql.Composed):
        return sql.Composed([_renamed(each, prefix) for each in part.seq])
    if isinstance(part, sql.Placeholder) and part.name is not None:
        return sql.Placeholder(f"{prefix}{part.name}")
    return part
