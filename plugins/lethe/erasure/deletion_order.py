"""In which order a cluster's rows go: children before parents, circles broken.

A circle of foreign keys is broken where a constraint can be deferred, or where a nullable column
can be cut first. Where neither can be, its tables go in one statement: PostgreSQL looks at the
constraints of all its rows when the statement ends.
"""

from __future__ import annotations

import graphlib
import itertools
from dataclasses import dataclass, field

from lethe.catalogue.graph import Graph, Hop, Member, Reference
from lethe.policy.names import TableName

Finding = tuple[tuple[str | int, ...], str]


def can_be_nulled(graph: Graph, ref: Reference) -> bool:
    return ref.can_be_cut and bool(graph.cuttable(ref.child, ref.columns))


@dataclass(slots=True)
class Order:
    """In which order the rows of a cluster's members go.

    cuts      references that go NULL first
    deferred  constraints that are checked at the end
    together  tables of a circle, which go in one statement
    """

    members: list[Member]
    cuts: list[tuple[Member, Reference]]
    deferred: list[str] = field(default_factory=list)
    together: list[tuple[TableName, ...]] = field(default_factory=list)


def order_members(
    graph: Graph,
    members: tuple[Member, ...],
    going: dict[TableName, Member],
    findings: list[Finding],
) -> Order:
    edges = [
        ref
        for ref in graph.references
        if ref.child in going and ref.parent in going and ref.constraint is not None
    ]
    needed = _steps_of_ways(members)
    found = Order([], _own_cuts(graph, edges, going, needed))
    soft = _edges_home(graph, members, going)
    edges = [ref for ref in edges if ref.child != ref.parent] + _way_edges(going) + soft
    circles = _Circles(going)
    while True:
        try:
            found.members = circles.order(edges)
        except graphlib.CycleError as error:
            cycle: list[TableName] = error.args[1]
            broken = _break(graph, circles, cycle, edges, needed)
            if broken is None and soft:
                edges, soft = [ref for ref in edges if ref not in soft], []
            elif broken is None and not circles.close(cycle):
                findings.append(_never_open(cycle))
                found.members = list(going.values())
                return found
            elif broken is not None:
                edges = [ref for ref in edges if ref is not broken]
                if broken.deferrable and broken.on_delete == "no action":
                    found.deferred.append(_constraint(broken))
                else:
                    found.cuts.append((going[broken.child], broken))
            continue
        found.together = circles.closed
        return found


def _own_cuts(
    graph: Graph,
    edges: list[Reference],
    going: dict[TableName, Member],
    needed: set[tuple[TableName, frozenset[str]]],
) -> list[tuple[Member, Reference]]:
    """References of a table to itself that go NULL first."""
    return [
        (going[ref.child], ref)
        for ref in edges
        if ref.child == ref.parent
        and ref.on_delete == "restrict"
        and can_be_nulled(graph, ref)
        and (ref.child, frozenset(ref.columns)) not in needed
    ]


class _Circles:
    """Tables, and those of them that go in one statement and count as one."""

    def __init__(self, going: dict[TableName, Member]) -> None:
        self._going = going
        self._first = {table: table for table in going}

    def of(self, table: TableName) -> TableName:
        """The table that stands for this one."""
        return self._first[table]

    def order(self, edges: list[Reference]) -> list[Member]:
        """Order the members, those of a circle side by side.

        Raises  graphlib.CycleError
        """
        sorter: graphlib.TopologicalSorter[TableName] = graphlib.TopologicalSorter(
            {first: set() for first in self._first.values()}
        )
        for ref in edges:
            if self.of(ref.parent) != self.of(ref.child):
                sorter.add(self.of(ref.parent), self.of(ref.child))
        return [
            self._going[each] for table in sorter.static_order() for each in self._tables(table)
        ]

    def close(self, cycle: list[TableName]) -> bool:
        """Let the tables of a circle go in one statement; False where one of them cannot.

        A row that may become a skeleton, or hangs on several subjects, is decided about for itself.
        """
        tables = [each for first in dict.fromkeys(cycle) for each in self._tables(first)]
        members = [self._going[table] for table in tables]
        if any(member.action.do != "erase" or member.anchor is not None for member in members):
            return False
        self._first |= dict.fromkeys(tables, tables[0])
        return True

    @property
    def closed(self) -> list[tuple[TableName, ...]]:
        """The tables of each circle."""
        found = [self._tables(first) for first in dict.fromkeys(self._first.values())]
        return [tables for tables in found if len(tables) > 1]

    def _tables(self, first: TableName) -> tuple[TableName, ...]:
        return tuple(table for table, other in self._first.items() if other == first)


def _never_open(cycle: list[TableName]) -> Finding:
    names = " → ".join(str(table) for table in cycle)
    return (
        ("tables", str(cycle[0])),
        f"foreign keys form a circle that cannot be ordered: {names}; one of these tables keeps "
        "rows or has rows of several subjects, so that they cannot go in one statement: make one "
        "of the keys deferrable or nullable",
    )


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
    circles: _Circles,
    cycle: list[TableName],
    edges: list[Reference],
    needed: set[tuple[TableName, frozenset[str]]],
) -> Reference | None:
    pairs = set(itertools.pairwise(cycle))
    ends = [(circles.of(ref.child), circles.of(ref.parent), ref) for ref in edges]
    inside = [ref for child, parent, ref in ends if (child, parent) in pairs]
    inside += [ref for child, parent, ref in ends if (parent, child) in pairs]
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
