"""What else is locked before a decision is checked again: rows that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lethe.catalogue.graph import Graph, Kind, Way
from lethe.policy.model.conditions import Condition
from lethe.policy.names import TableName


def find_locks(graph: Graph, rule: str) -> list[tuple[TableName, Way]]:
    """Tables whose rows are locked with a batch, each with its way to the subject.

    A lock on a row of an event, hold or restriction keeps it from changing until we are done; one
    on the tables between keeps a new row, which references them, from coming. Rows of members with
    an activity column are not locked: their delete says whether one of them was newer.
    """
    kind = graph.kind_of(graph.policy.rules[rule].cluster)
    found: dict[tuple[TableName, Way], None] = {}
    for table in _decisive(graph, kind, rule):
        for way in graph.ways.get((kind.name, table), ()):
            found |= dict.fromkeys(_along(table, way))
    if graph.policy.rules[rule].newer_rows == "stop":
        for member in graph.members[graph.policy.rules[rule].cluster]:
            for way in member.ways if member.activity else ():
                found |= dict.fromkeys(list(_along(member.table, way))[1:])
    return [(table, way) for table, way in found if table != kind.table]


def _along(table: TableName, way: Way) -> Iterator[tuple[TableName, Way]]:
    here: TableName | None = table
    for number, hop in enumerate(way):
        if here is not None:
            yield here, way[number:]
        here = hop.to


def _decisive(graph: Graph, kind: Kind, rule: str) -> Iterator[TableName]:
    named = graph.policy.rules[rule]
    for event in named.starting_point.events:
        if event.table is not None:
            yield event.table
        yield from _looked_at((*event.where, *(event.running or ())))
    yield from _looked_at(named.where)
    yield from _looked_at(kind.where)
    yield from _archived(graph, kind, rule)
    guards = graph.policy.guards
    for marked in (*guards.holds.values(), *guards.restrictions.values()):
        if marked.subject == kind.name:
            yield from _looked_at(marked.where)


def _archived(graph: Graph, kind: Kind, rule: str) -> Iterator[TableName]:
    """Documents and their lines: what the archive holds must not change under the last check."""
    archive = graph.policy.archive
    touched = {member.table for member in graph.members[graph.policy.rules[rule].cluster]}
    for document in archive.documents.values() if archive else ():
        if document.subject == kind.name and {document.table, kind.table} & touched:
            yield document.table
            yield from (line.table for line in document.lines)


def _looked_at(conditions: Iterable[Condition]) -> Iterator[TableName]:
    for condition in conditions:
        if condition.exists is not None:
            yield condition.exists.table
            yield from _looked_at(condition.exists.where)
        yield from _looked_at((*(condition.any_ or ()), *(condition.all_ or ())))
        if condition.not_ is not None:
            yield from _looked_at((condition.not_,))
