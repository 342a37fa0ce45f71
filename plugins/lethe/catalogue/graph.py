"""The subject graph: how every table of a cluster hangs on its subject.

A *way* leads from a row to the key of its *root*, hop by hop; a hop is an equality between columns,
declared by a foreign key or by the policy. The root is the subject itself, or an *anchor*: a table
whose rows hang on several subjects at once (a contact shared by accounts, a message with a sender
and a recipient). A row below an anchor goes when the anchor's row goes, and that one goes when the
last of its subjects does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lethe.catalogue.model import Catalogue, ForeignKey
from lethe.policy.model import Policy
from lethe.policy.model.conditions import Conditions
from lethe.policy.model.subjects import Action, Link, PolicyTable, Rows, Subject
from lethe.policy.names import TableName

Finding = tuple[tuple[str | int, ...], str]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a way: `columns` here equal `references` there.

    to      the next table; None where `references` is the key of the root
    to_one  at most one row there matches
    """

    columns: tuple[str, ...]
    to: TableName | None
    references: tuple[str, ...]
    match: Literal["exact", "lower"] = "exact"
    to_one: bool = True
    declared: bool = True


Way = tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of subject, resolved: where it is, and of which types its key is.

    unique  one row a subject in `table`
    """

    name: str
    table: TableName | None
    query: str | None
    key: tuple[str, ...]
    types: tuple[str, ...]
    unique: bool
    where: Conditions
    policy: Subject


@dataclass(frozen=True, slots=True)
class Anchor:
    """A table whose rows hang on several subjects: its key, and every way to them."""

    table: TableName
    key: tuple[str, ...]
    types: tuple[str, ...]
    ways: tuple[Way, ...]
    where: Conditions


@dataclass(frozen=True, slots=True)
class Member:
    """Rows of one table in one cluster, and the way to their root.

    anchor      the root, if it is not the subject
    way         ends at the key of the root
    unique_key  names one row; None where the table has no key
    only        leave out tables that inherit (they are members of their own)
    """

    table: TableName
    cluster: str
    where: Conditions
    anchor: Anchor | None
    way: Way
    action: Action
    unique_key: tuple[str, ...] | None
    activity: str | None
    only: bool

    @property
    def is_declared(self) -> bool:
        """Every hop is a foreign key, so that a lock on the subject keeps new rows out."""
        return self.anchor is None and all(hop.declared for hop in self.way)


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer at rows of another table: what would be left hanging when those go.

    unlink  the policy says that the columns go NULL
    """

    child: TableName
    columns: tuple[str, ...]
    parent: TableName
    references: tuple[str, ...]
    unlink: bool
    on_delete: str
    constraint: str | None
    deferrable: bool
    can_be_cut: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """Policy and catalogue, joined: what the wings plan from."""

    policy: Policy
    catalogue: Catalogue
    kinds: Mapping[str, Kind]
    members: Mapping[str, tuple[Member, ...]]
    references: tuple[Reference, ...]
    ways: Mapping[tuple[str, TableName], tuple[Way, ...]]
    """(kind, table) → every way from that table to the subject."""

    def kind_of(self, cluster: str) -> Kind:
        """The kind of subject on which a cluster hangs."""
        return self.kinds[self.policy.clusters[cluster].subject]

    def anchors(self, cluster: str) -> tuple[Anchor, ...]:
        """The anchors of a cluster, each once."""
        found = {m.anchor.table: m.anchor for m in self.members[cluster] if m.anchor}
        return tuple(found.values())

    def column_type(self, table: TableName, column: str) -> str:
        """The SQL type of a column, fit for a cast."""
        return self.catalogue.tables[table].columns[column].bare_type


@dataclass(slots=True)
class _Builder:
    policy: Policy
    catalogue: Catalogue
    query_types: Mapping[str, tuple[str, ...]]
    findings: list[Finding] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    ways: dict[tuple[str, TableName], tuple[Way, ...]] = field(default_factory=dict)
    busy: set[tuple[str, TableName]] = field(default_factory=set)


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
    for kind in builder.kinds.values():
        _find_other_ways(builder, kind)
    graph = Graph(
        policy,
        catalogue,
        builder.kinds,
        members,
        _find_references(builder),
        builder.ways,
    )
    return graph, builder.findings


def _find_kinds(builder: _Builder) -> None:
    for name, subject in builder.policy.subjects.items():
        key = tuple(subject.key)
        if subject.table is None:
            types = builder.query_types.get(name, ("text",) * len(key))
            builder.kinds[name] = Kind(name, None, subject.query, key, types, True, (), subject)
            continue
        table = builder.catalogue.tables.get(subject.table)
        if table is None:
            continue
        missing = [column for column in key if column not in table.columns]
        if missing:
            continue
        unique = any(set(unique) <= set(key) for unique in table.unique_keys)
        types = tuple(table.columns[column].bare_type for column in key)
        builder.kinds[name] = Kind(
            name, subject.table, None, key, types, unique, subject.where, subject
        )


def _find_members(builder: _Builder) -> dict[str, tuple[Member, ...]]:
    members: dict[str, list[Member]] = {name: [] for name in builder.policy.clusters}
    for table, entry in builder.policy.tables.items():
        if table not in builder.catalogue.tables:
            continue
        for part in _parts_of(entry):
            cluster = builder.policy.clusters.get(part.cluster)
            kind = builder.kinds.get(cluster.subject) if cluster else None
            if cluster is not None and kind is not None:
                member = _member(builder, kind, table, entry, part)
                if member is not None:
                    members[part.cluster].append(member)
    return {name: tuple(found) for name, found in members.items()}


def _parts_of(entry: PolicyTable) -> Iterable[Rows]:
    if entry.cluster:
        return [Rows(cluster=entry.cluster, links=entry.links)]
    return entry.rows


def _member(
    builder: _Builder, kind: Kind, table: TableName, entry: PolicyTable, part: Rows
) -> Member | None:
    known = builder.catalogue.tables[table]
    ways = ways_of(builder, kind, table, part.links)
    if not ways:
        builder.findings.append(
            (
                ("tables", str(table)),
                f"nothing leads from it to {kind.table or 'the query'} (subject '{kind.name}'); "
                "add a link under links: columns, to, references",
            )
        )
        return None
    unique_key = known.unique_keys[0] if known.unique_keys else None
    anchor, way = _root_of(builder, kind, table, ways, part.where)
    if way is None:
        builder.findings.append(
            (
                ("tables", str(table)),
                "its rows hang on several subjects, and it has no unique key to name them by; "
                "add a primary key",
            )
        )
        return None
    return Member(
        table,
        part.cluster,
        part.where,
        anchor,
        way,
        entry.when_due,
        unique_key,
        entry.activity,
        known.kind == "table" and bool(builder.catalogue.heirs_of(table)),
    )


def _root_of(
    builder: _Builder,
    kind: Kind,
    table: TableName,
    ways: tuple[Way, ...],
    where: Conditions,
) -> tuple[Anchor | None, Way | None]:
    if len(ways) == 1 and all(hop.to_one for hop in ways[0]):
        return None, ways[0]
    path: list[Hop] = []
    here = table
    while True:
        here_ways = ways if here == table else builder.ways[kind.name, here]
        firsts = {way[0] for way in here_ways}
        first = next(iter(firsts))
        if len(firsts) > 1 or not first.to_one or first.to is None:
            break
        path.append(first)
        here = first.to
    known = builder.catalogue.tables[here]
    if not known.unique_keys:
        return None, None
    key = tuple(known.unique_keys[0])
    types = tuple(known.columns[column].bare_type for column in key)
    anchor = Anchor(here, key, types, here_ways, where if here == table else ())
    return anchor, _end_at(tuple(path), key)


def _end_at(path: Way, key: tuple[str, ...]) -> Way:
    """End a way at the key of a root that lies in a table."""
    if path and set(path[-1].references) == set(key):
        last = path[-1]
        order = [last.references.index(column) for column in key]
        columns = tuple(last.columns[i] for i in order)
        return (*path[:-1], Hop(columns, None, key, last.match, True, last.declared))
    return (*path, Hop(key, None, key))


def ways_of(
    builder: _Builder, kind: Kind, table: TableName, links: tuple[Link, ...]
) -> tuple[Way, ...]:
    """Every way from a table to a kind of subject; found once, remembered."""
    place = (kind.name, table)
    if place in builder.ways:
        return builder.ways[place]
    if place in builder.busy:
        return ()
    builder.busy.add(place)
    if table == kind.table:
        ways: tuple[Way, ...] = ((Hop(kind.key, None, kind.key),),)
    else:
        ways = tuple(
            (hop, *rest)
            for hop in _owner_hops(builder, kind, table, links)
            for rest in _onwards(builder, kind, hop)
        )
        ways = tuple(_shortened(kind, way) for way in ways)
    builder.busy.discard(place)
    if ways:
        builder.ways[place] = ways
    return ways


def _onwards(builder: _Builder, kind: Kind, hop: Hop) -> tuple[Way, ...]:
    if hop.to is None:
        return ((),)
    entry = builder.policy.tables.get(hop.to)
    return ways_of(builder, kind, hop.to, entry.links if entry else ())


def _shortened(kind: Kind, way: Way) -> Way:
    """Leave out the subject's own table where the hop before already holds the key."""
    if len(way) >= 2 and way[-2].to == kind.table and set(way[-2].references) == set(kind.key):
        before = way[-2]
        if kind.unique or before.to_one:
            order = [before.references.index(column) for column in kind.key]
            columns = tuple(before.columns[i] for i in order)
            last = Hop(columns, None, kind.key, before.match, True, before.declared)
            return (*way[:-2], last)
    return way


def _hop_to_subject(builder: _Builder, kind: Kind, table: TableName, link: Link) -> Hop | None:
    columns = tuple(link.columns)
    if len(columns) != len(kind.key):
        builder.findings.append(
            (
                ("tables", str(table), "links"),
                f"subject '{kind.name}' has {len(kind.key)} key columns "
                f"({', '.join(kind.key)}), and the link names {len(columns)}",
            )
        )
        return None
    return Hop(columns, None, kind.key, link.match, True, declared=False)


def _find_other_ways(builder: _Builder, kind: Kind) -> None:
    """Find the shortest way of every table that belongs to no cluster of this kind.

    Events, conditions and holds may look at such tables; nothing is erased along these ways.
    """
    if kind.table is None:
        return
    builder.ways.setdefault((kind.name, kind.table), ((Hop(kind.key, None, kind.key),),))
    reached = [kind.table]
    reached += [table for name, table in builder.ways if name == kind.name and table != kind.table]
    for there in reached:
        for table, hop in _hops_into(builder, there):
            if (kind.name, table) not in builder.ways:
                ways = tuple((hop, *rest) for rest in builder.ways[kind.name, there])
                builder.ways[kind.name, table] = tuple(_shortened(kind, way) for way in ways)
                reached.append(table)


def _hops_into(builder: _Builder, there: TableName) -> Iterable[tuple[TableName, Hop]]:
    for key in builder.catalogue.foreign_keys_to(there):
        yield key.child, Hop(key.child_columns, key.parent, key.parent_columns)
    for table, entry in builder.policy.tables.items():
        parts = (entry.links, *(part.links for part in entry.rows))
        for link in (link for links in parts for link in links):
            if link.to is not None and link.to == there and table in builder.catalogue.tables:
                hop = _hop_of_link(builder, table, link, quiet=True)
                if hop is not None:
                    yield table, hop


def _owner_hops(
    builder: _Builder, kind: Kind, table: TableName, links: tuple[Link, ...]
) -> tuple[Hop, ...]:
    owners = [link for link in links if link.role == "owner"]
    if owners:
        return tuple(
            hop
            for link in owners
            for hop in [
                _hop_of_link(builder, table, link)
                if link.to is not None
                else _hop_to_subject(builder, kind, table, link)
            ]
            if hop is not None
        )
    pointing = {tuple(link.columns) for link in links}
    own = _tables_of_kind(builder, kind)
    keys = [
        key
        for key in builder.catalogue.foreign_keys_from(table)
        if key.parent in own and not key.is_self_reference and key.child_columns not in pointing
    ]
    return _shortest(builder, kind, table, keys)


def _tables_of_kind(builder: _Builder, kind: Kind) -> set[TableName]:
    own = {kind.table} if kind.table else set()
    for table, entry in builder.policy.tables.items():
        for part in _parts_of(entry):
            cluster = builder.policy.clusters.get(part.cluster)
            if cluster is not None and cluster.subject == kind.name:
                own.add(table)
    return own


def _shortest(
    builder: _Builder, kind: Kind, table: TableName, keys: list[ForeignKey]
) -> tuple[Hop, ...]:
    found: list[tuple[int, Hop]] = []
    for key in keys:
        hop = Hop(key.child_columns, key.parent, key.parent_columns)
        lengths = [len(way) for way in _onwards(builder, kind, hop)]
        if lengths:
            found.append((min(lengths), hop))
    if not found:
        return ()
    best = min(length for length, _ in found)
    hops = [hop for length, hop in found if length == best]
    if len(hops) > 1:
        names = " and ".join(", ".join(hop.columns) for hop in hops)
        builder.findings.append(
            (
                ("tables", str(table)),
                f"{len(hops)} foreign keys lead to subject '{kind.name}' ({names}); say under "
                "links which is the owner (role: owner; several: the row goes when all are due) "
                "and which only points (role: reference)",
            )
        )
    return (hops[0],)


def _hop_of_link(
    builder: _Builder, table: TableName, link: Link, *, quiet: bool = False
) -> Hop | None:
    count = len(builder.findings)
    hop = _resolve_link(builder, table, link)
    if quiet:
        del builder.findings[count:]
    return hop


def _resolve_link(builder: _Builder, table: TableName, link: Link) -> Hop | None:
    if link.to is None:
        return None
    columns = tuple(link.columns)
    for key in builder.catalogue.foreign_keys_from(table):
        same = key.parent == link.to and set(key.child_columns) == set(columns)
        if same and set(link.references or key.parent_columns) == set(key.parent_columns):
            return Hop(key.child_columns, key.parent, key.parent_columns)
    place = ("tables", str(table), "links")
    if link.references is None:
        builder.findings.append(
            (
                place,
                f"no foreign key leads from ({', '.join(columns)}) to {link.to}; "
                "say references: the columns there",
            )
        )
        return None
    target = builder.catalogue.tables.get(link.to)
    if target is None:
        return None
    missing = [column for column in link.references if column not in target.columns]
    if missing:
        has = ", ".join(target.columns)
        builder.findings.append(
            (place, f"table {link.to} has no column '{missing[0]}'; it has: {has}")
        )
        return None
    if len(link.references) != len(columns):
        builder.findings.append((place, "columns and references differ in number"))
        return None
    to_one = any(set(unique) <= set(link.references) for unique in target.unique_keys)
    return Hop(columns, link.to, tuple(link.references), link.match, to_one, declared=False)


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
        for link in entry.links:
            hop = _hop_of_link(builder, table, link, quiet=True)
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
    entry = builder.policy.tables.get(child)
    links = (*entry.links, *(link for part in entry.rows for link in part.links)) if entry else ()
    return any(
        link.to == parent and set(link.columns) == set(columns) and link.when_gone == "unlink"
        for link in links
    )
