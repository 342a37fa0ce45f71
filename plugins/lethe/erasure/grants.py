"""The least rights that the plan needs on the tables of the warehouse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from psycopg2 import extensions

from lethe.catalogue.graph import Graph, Way
from lethe.erasure.locks import find_locks
from lethe.erasure.steps import Steps, plan_steps
from lethe.evidence.privileges import Grant
from lethe.include import statement
from lethe.policy.model.archive import Archive
from lethe.policy.model.conditions import Conditions
from lethe.policy.names import TableName

_MAINTAIN_SINCE = 170000
"""Server version from which somebody else than its owner may refresh a view."""


def needed_grants(graph: Graph) -> list[Grant]:
    """Name what runner and planner need: SELECT where they read, DELETE and UPDATE where they act.

    `FOR UPDATE` needs the UPDATE right on one column only: the first one of the key.
    """
    updates: defaultdict[TableName, set[str]] = defaultdict(set)
    deletes: set[TableName] = set()
    reads: set[TableName] = set()
    for cluster in graph.members:
        if not graph.members[cluster]:
            continue
        steps, _ = plan_steps(graph, cluster)
        deletes |= {member.table for member in steps.deletes}
        reads |= set(_read_by(graph, steps))
        for table, column in (*_written(graph, steps), *_locked(graph, cluster, steps)):
            updates[table].add(column)
    writes = _moved_by_logs(graph, deletes, updates)
    reads |= set(_read_by_policy(graph)) | deletes | set(updates)
    there = graph.catalogue.tables
    grants = [
        Grant(table, ("SELECT",), (), role)
        for table in sorted(reads)
        if table in there
        for role in ("planner", "runner")
    ]
    # Materialised views hold copies: quality searches them for what must stand nowhere.
    copies = sorted(view.name for view in graph.catalogue.views.values() if view.is_materialised)
    grants += [Grant(view, ("SELECT",), (), "planner") for view in copies]
    if graph.catalogue.server_version_num >= _MAINTAIN_SINCE:
        grants += [Grant(view, ("MAINTAIN",)) for view in graph.refreshed_views]
    grants += [Grant(table, ("DELETE",)) for table in sorted(deletes) if table in there]
    grants += [Grant(table, ("INSERT",)) for table in sorted(writes) if table in there]
    grants += [
        Grant(table, ("UPDATE",), tuple(sorted(columns)))
        for table, columns in sorted(updates.items())
        if table in there and columns
    ]
    return grants


def sequence_grants(connection: extensions.connection, graph: Graph) -> list[Grant]:
    """Name the sequences that number the rows of pseudonymised logs; an identity needs no right."""
    logs = graph.policy.logs
    sources = logs.sources.values() if logs is not None else ()
    tables = [each.output_table for each in sources if each.output_table is not None]
    values = {"schemas": [t.schema for t in tables], "tables": [t.name for t in tables]}
    with connection.cursor() as cursor:
        cursor.execute(statement("logs/list_sequences"), values)
        found = [TableName(str(schema), str(name)) for schema, name in cursor.fetchall()]
    connection.rollback()
    return [Grant(name, ("USAGE",)) for name in found]


def _moved_by_logs(
    graph: Graph, deletes: set[TableName], updates: defaultdict[TableName, set[str]]
) -> set[TableName]:
    """What the pseudonymisation of logs deletes from and updates; and what it inserts into."""
    logs = graph.policy.logs
    if logs is None:
        return set()
    deletes |= {source.table for source in logs.sources.values() if source.table is not None}
    for place in logs.in_place.values():
        updates[place.table] |= set(place.columns)
    return {s.output_table for s in logs.sources.values() if s.output_table is not None}


def _written(graph: Graph, steps: Steps) -> Iterator[tuple[TableName, str]]:
    """Columns that are blanked, replaced, unlinked or cut."""
    for blanking in steps.blankings:
        for column in (*blanking.nulled, *(name for name, _ in blanking.replaced)):
            yield blanking.member.table, column
    for _, ref in (*steps.unlinks, *steps.cuts):
        for column in _cuttable(graph, ref.child, ref.columns):
            yield ref.child, column
    for anchor in steps.anchors:
        for way in anchor.ways:
            for column in _cuttable(graph, anchor.table, way[0].columns) if way[0].to_one else ():
                yield anchor.table, column


def _cuttable(graph: Graph, table: TableName, columns: tuple[str, ...]) -> tuple[str, ...]:
    known = graph.catalogue.tables.get(table)
    there = known is not None and set(columns) <= set(known.columns)
    return graph.cuttable(table, columns) if there else ()


def _locked(graph: Graph, cluster: str, steps: Steps) -> Iterator[tuple[TableName, str]]:
    """One column of every table whose rows are locked: subjects, anchors, what decides."""
    if steps.kind.table is not None:
        yield steps.kind.table, steps.kind.key[0]
    for anchor in steps.anchors:
        yield anchor.table, anchor.key[0]
    for name, rule in graph.policy.rules.items():
        if rule.cluster == cluster:
            for table, _ in find_locks(graph, name):
                known = graph.catalogue.tables.get(table)
                if known is not None:
                    key = known.unique_keys[0] if known.unique_keys else tuple(known.columns)
                    yield known.name, key[0]


def _read_by(graph: Graph, steps: Steps) -> Iterator[TableName]:
    if steps.kind.table is not None:
        yield steps.kind.table
    for member in graph.members[steps.cluster]:
        yield member.table
        yield from _on(member.way)
    for anchor in steps.anchors:
        yield anchor.table
        for way in anchor.ways:
            yield from _on(way)
    for _, ref in (*steps.barred, *steps.suspects, *steps.unlinks, *steps.cuts):
        yield ref.child
    for refs in steps.spared.values():
        yield from (ref.child for ref in refs)


def _read_by_policy(graph: Graph) -> Iterator[TableName]:
    """What events, conditions, the archive and the check itself look at."""
    policy = graph.policy
    yield from policy.tables
    if policy.archive is not None:
        yield from _archived(policy.archive)
    for rule in policy.rules.values():
        kind = graph.kinds.get(policy.clusters[rule.cluster].subject)
        for event in (*rule.starting_point.events, rule.starting_point.not_before):
            if event is not None and event.table is not None and kind is not None:
                yield event.table
                for way in graph.ways.get((kind.name, event.table), ()):
                    yield from _on(way)
            if event is not None:
                yield from _in_conditions((*event.where, *(event.running or ())))
        yield from _in_conditions(rule.where)
    for subject in policy.subjects.values():
        yield from _in_conditions(subject.where)
    for entry in policy.tables.values():
        for part in entry.rows:
            yield from _in_conditions(part.where)
    for marked in (*policy.guards.holds.values(), *policy.guards.restrictions.values()):
        yield from _in_conditions(marked.where)
    for flag in policy.guards.risk_flags.values():
        yield from _in_conditions(flag.where)
    for (_, table), ways in graph.ways.items():
        if table in policy.tables:
            for way in ways:
                yield from _on(way)


def _archived(archive: Archive) -> Iterator[TableName]:
    for document in archive.documents.values():
        yield document.table
        yield from (line.table for line in document.lines)
    for bound in archive.party:
        yield bound.table
        yield from (bound.history,) if bound.history else ()
    point = archive.starting_point
    for event in (*point.events, point.not_before):
        yield from (event.table,) if event and event.table else ()


def _in_conditions(conditions: Conditions) -> Iterator[TableName]:
    for condition in conditions:
        if condition.exists is not None:
            yield condition.exists.table
            yield from _in_conditions(condition.exists.where)
        yield from _in_conditions((*(condition.any_ or ()), *(condition.all_ or ())))
        if condition.not_ is not None:
            yield from _in_conditions((condition.not_,))


def _on(way: Way) -> Iterable[TableName]:
    return (hop.to for hop in way if hop.to is not None)
