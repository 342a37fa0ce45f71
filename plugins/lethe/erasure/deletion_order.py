"""In which order a cluster's rows go: children before parents, circles broken."""

from __future__ import annotations

import graphlib
import itertools

from lethe.catalogue.graph import Graph, Hop, Member, Reference
from lethe.policy.names import TableName

Finding = tuple[tuple[str | int, ...], str]


def can_be_nulled(graph: Graph, ref: Reference) -> bool:
    return ref.can_be_cut and bool(graph.cuttable(ref.child, ref.columns))


def order_members(
    graph: Graph,
    members: tuple[Member, ...],
    going: dict[TableName, Member],
    findings: list[Finding],
) -> tuple[list[Member], list[tuple[Member, Reference]], list[str]]:
    edges = [
        ref
        for ref in graph.references
        if ref.child in going and ref.parent in going and ref.constraint is not None
    ]
    needed = _steps_of_ways(members)
    cuts = [
        (going[ref.child], ref)
        for ref in edges
        if ref.child == ref.parent
        and ref.on_delete == "restrict"
        and can_be_nulled(graph, ref)
        and (ref.child, frozenset(ref.columns)) not in needed
    ]
    deferred: list[str] = []
    soft = _edges_home(graph, members, going)
    edges = [ref for ref in edges if ref.child != ref.parent] + _way_edges(going) + soft
    while True:
        sorter: graphlib.TopologicalSorter[TableName] = graphlib.TopologicalSorter(
            {table: set() for table in going}
        )
        for ref in edges:
            sorter.add(ref.parent, ref.child)
        try:
            order = [going[table] for table in sorter.static_order()]
        except graphlib.CycleError as error:
            broken = _break(graph, error.args[1], edges, needed)
            if broken is None and soft:
                edges, soft = [ref for ref in edges if ref not in soft], []
                continue
            if broken is None:
                names = " → ".join(str(table) for table in error.args[1])
                findings.append(
                    (
                        ("tables", str(error.args[1][0])),
                        f"foreign keys form a circle that cannot be ordered: {names}; make one of "
                        "them deferrable or nullable",
                    )
                )
                return list(going.values()), cuts, deferred
            edges = [ref for ref in edges if ref is not broken]
            if broken.deferrable and broken.on_delete == "no action":
                deferred.append(_constraint(broken))
            else:
                cuts.append((going[broken.child], broken))
            continue
        return order, cuts, deferred


def _constraint(ref: Reference) -> str:
    return f"{ref.child.schema}\x00{ref.constraint}"


def _way_edges(going: dict[TableName, Member]) -> list[Reference]:
    """Rows are found along their way: what stands on it goes after them, declared or not."""
    edges = []
    for member in going.values():
        here = member.table
        for hop in member.way:
            if hop.to is None:
                break
            if here in going and hop.to in going and here != hop.to:
                edges.append(_edge(here, hop, hop.to))
            here = hop.to
    return edges


def _edges_home(
    graph: Graph, members: tuple[Member, ...], going: dict[TableName, Member]
) -> list[Reference]:
    """Better the subject's own row goes last, also where only the policy links rows to it."""
    if not members:
        return []
    home = graph.kind_of(members[0].cluster).table
    if home is None or home not in going:
        return []
    return [
        _edge(member.table, member.way[-1], home)
        for member in going.values()
        if member.table != home and member.anchor is None
    ]


def _edge(child: TableName, hop: Hop, parent: TableName) -> Reference:
    return Reference(
        child,
        hop.columns,
        parent,
        hop.references,
        unlink=False,
        on_delete="no action",
        constraint=None,
        deferrable=False,
        can_be_cut=False,
    )


def _steps_of_ways(members: tuple[Member, ...]) -> set[tuple[TableName, frozenset[str]]]:
    """Columns along which rows find their subject: cut, they would be found no more."""
    found: set[tuple[TableName, frozenset[str]]] = set()
    for member in members:
        ways = (member.way, *member.ways, *(member.anchor.ways if member.anchor else ()))
        starts = [member.table] * (1 + len(member.ways))
        starts += [member.anchor.table] * len(member.anchor.ways) if member.anchor else []
        for start, way in zip(starts, ways, strict=True):
            here: TableName | None = start
            for hop in way:
                if here is not None:
                    found.add((here, frozenset(hop.columns)))
                here = hop.to
    return found


def _break(
    graph: Graph,
    cycle: list[TableName],
    edges: list[Reference],
    needed: set[tuple[TableName, frozenset[str]]],
) -> Reference | None:
    pairs = set(itertools.pairwise(cycle))
    inside = [ref for ref in edges if (ref.child, ref.parent) in pairs]
    inside += [ref for ref in edges if (ref.parent, ref.child) in pairs]
    for ref in inside:
        if ref.deferrable and ref.on_delete == "no action" and _is_alone(graph, ref):
            return ref
    return next(
        (
            ref
            for ref in inside
            if can_be_nulled(graph, ref) and (ref.child, frozenset(ref.columns)) not in needed
        ),
        None,
    )


def _is_alone(graph: Graph, ref: Reference) -> bool:
    """No other constraint of that name in the schema, for SET CONSTRAINTS would name both."""
    return not any(
        other.constraint == ref.constraint
        and other.child.schema == ref.child.schema
        and other.child != ref.child
        and not other.deferrable
        for other in graph.references
    )
