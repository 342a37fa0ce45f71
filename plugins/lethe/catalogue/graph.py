"""Join policy and catalogue to the subject graph; what its parts are stands in `nodes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lethe.catalogue.fragments import ONE_SPELLING
from lethe.catalogue.known import Known
from lethe.catalogue.links import all_links, parts_of, resolve_link
from lethe.catalogue.model import Catalogue, Column
from lethe.catalogue.nodes import Anchor, Graph, Hop, Kind, Member, Reference, Way
from lethe.catalogue.routes import Finding, Routes
from lethe.policy.model import Policy
from lethe.policy.model.conditions import Conditions
from lethe.policy.model.subjects import PolicyTable, Rows
from lethe.policy.names import TableName

__all__ = [
    "Anchor",
    "Finding",
    "Graph",
    "Hop",
    "Kind",
    "Member",
    "Reference",
    "Way",
    "build_graph",
]


@dataclass(slots=True)
class _Builder:
    policy: Policy
    catalogue: Catalogue
    query_types: Mapping[str, tuple[str, ...]]
    findings: list[Finding] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    routes: dict[str, Routes] = field(default_factory=dict)


def build_graph(
    policy: Policy,
    catalogue: Catalogue,
    query_types: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Graph, list[Finding]]:
    """Join policy and catalogue; every fault is a finding, and what has one is left out.

    query_types  SQL types of the key columns of subjects that are a `query`
    """
    builder = _Builder(policy, catalogue, query_types or {})
    _find_kinds(builder)
    members = _find_members(builder)
    ways: dict[tuple[str, TableName], tuple[Way, ...]] = {}
    for name, routes in builder.routes.items():
        routes.find_others(_looked_at(policy, name))
        ways |= {(name, table): found for table, found in routes.found.items()}
    references = _find_references(builder)
    graph = Graph(policy, catalogue, Known(builder.kinds), members, references, Known(ways))
    return graph, builder.findings


def _find_kinds(builder: _Builder) -> None:
    for name, subject in builder.policy.subjects.items():
        key = tuple(subject.key)
        if subject.table is None:
            types = builder.query_types.get(name, ("text",) * len(key))
            once = set(types) <= ONE_SPELLING
            kind = Kind(name, None, subject.query, key, types, True, (), subject, once)
        else:
            table = builder.catalogue.tables.get(subject.table)
            if table is None or any(column not in table.columns for column in key):
                continue
            unique = any(set(unique) <= set(key) for unique in table.unique_keys)
            types = tuple(table.columns[column].bare_type for column in key)
            once = all(_spelt_once(table.columns[column]) for column in key)
            where = subject.where
            kind = Kind(name, subject.table, None, key, types, unique, where, subject, once)
        builder.kinds[name] = kind
        builder.routes[name] = Routes(builder.policy, builder.catalogue, kind, builder.findings)


def _spelt_once(column: Column) -> bool:
    is_text = column.bare_type in ("text", "character varying")
    return column.bare_type in ONE_SPELLING or (is_text and column.is_bytewise)


def _find_members(builder: _Builder) -> dict[str, tuple[Member, ...]]:
    members: dict[str, list[Member]] = {name: [] for name in builder.policy.clusters}
    for table, entry in builder.policy.tables.items():
        if table not in builder.catalogue.tables:
            continue
        for part in parts_of(entry):
            cluster = builder.policy.clusters.get(part.cluster)
            routes = builder.routes.get(cluster.subject) if cluster else None
            if cluster is not None and routes is not None:
                kind = builder.kinds[cluster.subject]
                member = _member(builder, kind, routes, table, entry, part)
                if member is not None:
                    members[part.cluster].append(member)
    return Known({name: tuple(found) for name, found in members.items()})


def _member(
    builder: _Builder,
    kind: Kind,
    routes: Routes,
    table: TableName,
    entry: PolicyTable,
    part: Rows,
) -> Member | None:
    known = builder.catalogue.tables[table]
    routes.ways(table)
    ways = routes.ways_by(table, part.links)
    if not ways:
        message = (
            f"nothing leads from it to {kind.table or 'the query'} (subject '{kind.name}'); "
            "add a link under links: columns, to, references"
        )
        builder.findings.append((("tables", str(table)), message))
        return None
    anchor, way = _root_of(builder.catalogue, routes, table, ways, part.where)
    if way is None:
        message = (
            "its rows hang on several subjects, and it has no unique key to name them by; "
            "add a primary key"
        )
        builder.findings.append((("tables", str(table)), message))
        return None
    return Member(
        table,
        part.cluster,
        part.where,
        anchor,
        way,
        ways,
        entry.when_due,
        known.unique_keys[0] if known.unique_keys else None,
        entry.activity,
        known.kind == "table" and bool(builder.catalogue.heirs_of(table)),
    )


def _root_of(
    catalogue: Catalogue,
    routes: Routes,
    table: TableName,
    ways: tuple[Way, ...],
    where: Conditions,
) -> tuple[Anchor | None, Way | None]:
    if len(ways) == 1 and all(hop.to_one for hop in ways[0]):
        return None, ways[0]
    path: list[Hop] = []
    here, here_ways = table, ways
    while True:
        firsts = list(dict.fromkeys(way[0] for way in here_ways))
        if len(firsts) > 1 or not firsts[0].to_one or firsts[0].to is None:
            break
        path.append(firsts[0])
        here = firsts[0].to
        here_ways = routes.found[here]
    known = catalogue.tables[here]
    if not known.unique_keys:
        return None, None
    key = tuple(known.unique_keys[0])
    types = tuple(known.columns[column].bare_type for column in key)
    anchor = Anchor(here, key, types, here_ways, where if here == table else ())
    return anchor, _end_at(tuple(path), key)


def _end_at(path: Way, key: tuple[str, ...]) -> Way:
    """End a way at the key of a root that lies in a table."""
    if path and path[-1].match == "exact" and set(path[-1].references) == set(key):
        last = path[-1]
        order = [last.references.index(column) for column in key]
        columns = tuple(last.columns[i] for i in order)
        return (*path[:-1], Hop(columns, None, key, last.match, True, last.declared, last.where))
    return (*path, Hop(key, None, key))


def _looked_at(policy: Policy, kind: str) -> set[TableName]:
    """Tables that events of this kind's rules and its archive are read from."""
    points = [
        rule.starting_point
        for rule in policy.rules.values()
        if policy.clusters[rule.cluster].subject == kind
    ]
    archived: set[TableName] = set()
    if policy.archive is not None:
        mine = [each for each in policy.archive.documents.values() if each.subject == kind]
        if mine:
            points.append(policy.archive.starting_point)
            archived = {each.table for each in mine}
            archived |= {each.table for each in policy.archive.party}
            archived |= {line.table for each in mine for line in each.lines}
            archived |= {each.history for each in policy.archive.party if each.history}
    return archived | {
        event.table
        for point in points
        for event in (*point.events, point.not_before)
        if event is not None and event.table is not None
    }


def _find_references(builder: _Builder) -> tuple[Reference, ...]:
    found: list[Reference] = []
    for key in builder.catalogue.foreign_keys:
        found.append(
            Reference(
                key.child,
                key.child_columns,
                key.parent,
                key.parent_columns,
                _is_unlinked(builder, key.child, key.child_columns, key.parent),
                key.on_delete,
                key.constraint,
                key.deferrable,
                key.can_be_cut,
            )
        )
    for table, entry in builder.policy.tables.items():
        for link in dict.fromkeys(all_links(entry)):
            hop, _ = resolve_link(builder.catalogue, table, link)
            if link.to and hop and not hop.declared and link.when_gone == "unlink":
                found.append(
                    Reference(
                        table, hop.columns, link.to, hop.references, True, "none", None, True, True
                    )
                )
    return tuple(found)


def _is_unlinked(
    builder: _Builder, child: TableName, columns: tuple[str, ...], parent: TableName
) -> bool:
    return any(
        link.to == parent and set(link.columns) == set(columns) and link.when_gone == "unlink"
        for link in all_links(builder.policy.tables.get(child))
    )
