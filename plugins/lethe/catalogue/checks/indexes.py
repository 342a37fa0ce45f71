"""Indexes that would spare the warehouse: for links, for references, for the test for due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from psycopg2 import sql

from lethe.catalogue.checks.found import Checked, Found, Place
from lethe.catalogue.model import Table
from lethe.catalogue.writing import write
from lethe.policy.names import TableName


def check_indexes(checked: Checked) -> Iterator[Found]:
    """Advise an index where rows would be sought one by one in a whole table; each once."""
    told: set[tuple[TableName, frozenset[str]]] = set()
    for place, name, columns, why in _wanted(checked):
        table = checked.catalogue.tables.get(name)
        wanted = (name, frozenset(columns))
        if table is None or wanted in told or not set(columns) <= set(table.columns):
            continue
        told.add(wanted)
        if table.kind != "foreign" and not serves(table, columns):
            yield Found(
                "advice",
                "no-index",
                place,
                f"no index of {name} begins with {', '.join(columns)}, {why}",
                _create(table, columns),
            )


def serves(table: Table, columns: Iterable[str]) -> bool:
    """An index begins with these columns, in any order."""
    wanted = set(columns)
    return any(
        index.is_valid and not index.is_partial and set(index.columns[: len(wanted)]) == wanted
        for index in table.indexes
    )


def _wanted(checked: Checked) -> Iterator[tuple[Place, TableName, tuple[str, ...], str]]:
    graph = checked.graph
    erased = set()
    for members in graph.members.values():
        for member in members:
            place: Place = ("tables", str(member.table))
            if member.action.do != "keep":
                erased.add(member.table)
            first = member.way[0]
            yield place, member.table, first.columns, "by which the rows of a subject are found"
            for here, there in zip(member.way, member.way[1:], strict=False):
                if here.to is not None:
                    why = "by which the rows of a subject are found"
                    yield place, here.to, there.columns, why
    for ref in graph.references:
        if ref.parent in erased and ref.constraint is not None:
            why = f"which is searched for every row of {ref.parent} that is erased"
            yield ("tables", str(ref.parent)), ref.child, ref.columns, why
    for name, rule in checked.policy.rules.items():
        cluster = checked.policy.clusters.get(rule.cluster)
        subject = checked.policy.subjects.get(cluster.subject) if cluster else None
        for at, event in enumerate(rule.starting_point.events):
            table = event.table or (subject.table if subject else None)
            if table is not None:
                place = ("rules", name, "starting_point", rule.starting_point.choice, at)
                yield place, table, (event.column,), "which the test for due compares"


def _create(table: Table, columns: tuple[str, ...]) -> str:
    """CONCURRENTLY keeps writers working; a partitioned table does not take it."""
    how = "CREATE INDEX ON {} ({})" if table.kind == "partitioned" else _CONCURRENTLY
    names = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    return write(sql.SQL(how).format(sql.Identifier(table.name.schema, table.name.name), names))


_CONCURRENTLY = "CREATE INDEX CONCURRENTLY ON {} ({})"
