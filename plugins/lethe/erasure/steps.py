"""The steps of an erasure, as data: in which order a cluster's rows go, and what must not remain.

Pure: (graph, cluster) → steps. Children go before parents; `deletion_order` says what becomes of
circles.
"""

from __future__ import annotations

from dataclasses import dataclass

from lethe.catalogue.graph import Anchor, Graph, Kind, Member, Reference
from lethe.erasure.deletion_order import Finding, can_be_nulled, order_members
from lethe.policy.model.subjects import PolicyTable
from lethe.policy.names import TableName


@dataclass(frozen=True, slots=True)
class Blanking:
    """What becomes of the personal columns of rows that stay.

    nulled    columns that go NULL
    replaced  column → fixed text; `{token}` becomes a fresh random token a row
    """

    member: Member
    nulled: tuple[str, ...]
    replaced: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """How the rows of one cluster go, in order.

    anchors   tables whose rows hang on several subjects
    barred    references from outside that stop a subject whose row they point at
    suspects  references that the database itself refuses to break; asked for only when it did
    unlinks   references that go NULL
    cuts      references inside the cluster that go NULL first, to break a cycle
    deferred  constraints that are checked at the end
    deletes   members whose rows go, children first
    together  tables among them that go in one statement, for their keys form a circle
    spared    for each member that may become a skeleton, the references that make it one
    blankings rows that stay without their personal columns
    halted    those of them that must not be touched: their table has an unclassified column
    """

    cluster: str
    kind: Kind
    anchors: tuple[Anchor, ...]
    barred: tuple[tuple[Member, Reference], ...]
    suspects: tuple[tuple[Member, Reference], ...]
    unlinks: tuple[tuple[Member, Reference], ...]
    cuts: tuple[tuple[Member, Reference], ...]
    deferred: tuple[str, ...]
    deletes: tuple[Member, ...]
    together: tuple[tuple[TableName, ...], ...]
    spared: dict[TableName, tuple[Reference, ...]]
    blankings: tuple[Blanking, ...]
    halted: tuple[Blanking, ...]

    @property
    def tables(self) -> tuple[TableName, ...]:
        """Every table that the steps touch, deletes first."""
        touched = [member.table for member in self.deletes]
        touched += [blanking.member.table for blanking in self.blankings]
        return tuple(dict.fromkeys(touched))

    @property
    def groups(self) -> tuple[tuple[Member, ...], ...]:
        """The members whose rows go, by statement."""
        of = {table: tables for tables in self.together for table in tables}
        found: dict[tuple[TableName, ...], list[Member]] = {}
        for member in self.deletes:
            found.setdefault(of.get(member.table, (member.table,)), []).append(member)
        return tuple(tuple(group) for group in found.values())

    @property
    def changes_nothing(self) -> bool:
        """No row goes, and of those that stay no column changes."""
        kept = any(each.nulled or each.replaced for each in self.blankings)
        return not (self.deletes or self.unlinks or kept)

    @property
    def keeps_subject(self) -> bool:
        """The subject's own row stays, whatever becomes of its columns: nobody is due twice."""
        return any(
            each.member.table == self.kind.table
            and each.member.action.do == "keep"
            and not (each.member.where or each.member.anchor)
            for each in self.blankings
        )

    @property
    def own_blankings(self) -> tuple[Blanking, ...]:
        """What the subject's own row looks like once nothing personal is left in it."""
        return tuple(
            each
            for each in self.blankings
            if each.member.table == self.kind.table and not each.member.where
        )

    @property
    def late(self) -> tuple[Member, ...]:
        """Members that no foreign key guards: rows may still come while we erase."""
        return tuple(member for member in self.deletes if not member.is_declared)


def plan_steps(graph: Graph, cluster: str) -> tuple[Steps, list[Finding]]:
    """Plan the erasure of a cluster; what cannot be ordered or would hang is a finding."""
    members = graph.members[cluster]
    going = {m.table: m for m in members if m.action.do in ("erase", "skeleton")}
    kept = {m.table: m for m in members if m.action.do == "keep"}
    findings: list[Finding] = []
    order = order_members(graph, members, going, findings)
    barred, suspects, unlinks, spared = [], [], [], {}
    for member in going.values():
        outside = _outside(graph, member, going)
        unlinks += [(member, ref) for ref in outside if ref.unlink]
        findings += [
            _never_null(graph, ref)
            for ref in outside
            if ref.unlink and not can_be_nulled(graph, ref)
        ]
        pointing = [ref for ref in outside if not ref.unlink]
        if member.action.do == "skeleton":
            spared[member.table] = tuple(pointing)
            continue
        barred += [(member, ref) for ref in pointing if ref.child not in kept]
        findings += [
            _hanging(cluster, ref)
            for ref in pointing
            if _keeps_hanging(ref, kept.get(ref.child) or going.get(ref.child))
        ]
        suspects += [(member, ref) for ref in _refusing(graph, member, going)]
    for anchor in graph.anchors(cluster):
        findings += _unlinkable(graph, anchor)
    blankings = _blankings(graph, members, findings)
    steps = Steps(
        cluster,
        graph.kind_of(cluster),
        graph.anchors(cluster),
        tuple(barred),
        tuple(suspects),
        tuple(unlinks),
        tuple(order.cuts),
        tuple(order.deferred),
        tuple(order.members),
        tuple(order.together),
        spared,
        blankings,
        tuple(each for each in blankings if _is_unclassified(graph, each.member.table)),
    )
    return steps, findings


def _is_unclassified(graph: Graph, table: TableName) -> bool:
    """Default deny: nobody has said what a column of it holds."""
    entry = graph.policy.tables[table]
    return not set(graph.catalogue.tables[table].columns) <= {*entry.columns, *entry.not_personal}


def _keeps_hanging(ref: Reference, child: Member | None) -> bool:
    """Rows of the cluster that stay reference what goes, and nothing cuts the link."""
    if child is None or (child.action.do == "skeleton" and not _on_way(child, ref)):
        return False
    cut = ref.can_be_cut and set(ref.columns) <= set(child.action.blank)
    return child.action.do != "erase" and not cut


def _outside(graph: Graph, member: Member, going: dict[TableName, Member]) -> list[Reference]:
    """References to this member's rows from rows that do not go with them."""
    return [
        ref
        for ref in graph.references
        if ref.parent == member.table
        and (ref.constraint is not None or ref.unlink)
        and _stays(ref, going.get(ref.child))
    ]


def _stays(ref: Reference, child: Member | None) -> bool:
    """A row that holds this reference may stay when the row that it points at goes."""
    if child is None or child.action.do == "skeleton" or child.where:
        return child is None or not _is_cut_link(child, ref)
    if _on_way(child, ref):
        return False
    reaching = ref.on_delete in ("cascade", "set null", "set default")
    return ref.unlink or reaching or (ref.child == ref.parent and ref.on_delete != "no action")


def _refusing(graph: Graph, member: Member, going: dict[TableName, Member]) -> list[Reference]:
    """References inside the cluster that lead elsewhere than the child's own way."""
    return [
        ref
        for ref in graph.references
        if ref.parent == member.table
        and ref.constraint is not None
        and ref.child in going
        and not _on_way(going[ref.child], ref)
        and not _stays(ref, going[ref.child])
    ]


def _on_way(child: Member, ref: Reference) -> bool:
    return set(child.way[0].columns) == set(ref.columns) or _is_cut_link(child, ref)


def _is_cut_link(child: Member, ref: Reference) -> bool:
    """A shared row's link to one of its subjects: cut, or gone with the row."""
    if child.anchor is None or child.anchor.table != child.table:
        return False
    return any(
        hop.to_one and set(hop.columns) == set(ref.columns)
        for hop in (way[0] for way in child.anchor.ways)
    )


def _never_null(graph: Graph, ref: Reference) -> Finding:
    return (
        ("tables", str(ref.child), "links"),
        f"({', '.join(ref.columns)}) {_why_not(graph, ref.child, ref.columns)}, so when_gone: "
        f"unlink cannot be done; make it nullable, or say when_due: skeleton for {ref.parent}",
    )


def _why_not(graph: Graph, table: TableName, columns: tuple[str, ...]) -> str:
    known = graph.catalogue.tables[table].columns
    if any(known[name].may_be_nulled for name in columns):
        return "stands in another link too, and cannot be NULL without cutting that one"
    return "cannot be NULL"


def _unlinkable(graph: Graph, anchor: Anchor) -> list[Finding]:
    """Links of a shared row that cannot be cut while another subject still needs it."""
    place = ("tables", str(anchor.table), "links")
    firsts = list(dict.fromkeys(way[0] for way in anchor.ways if way[0].to_one))
    findings: list[Finding] = []
    for hop in firsts:
        names = ", ".join(hop.columns)
        if hop.where and all(hop.excludes(other) for other in firsts if other is not hop):
            continue  # no row has another subject by another link
        if sum(set(other.columns) == set(hop.columns) for other in firsts) > 1:
            said = (
                f"two owner links stand in the same columns ({names}), and neither can be cut "
                "alone when one subject goes before the other; give one link role: reference"
            )
        elif not graph.cuttable(anchor.table, hop.columns):
            said = (
                f"its rows hang on several subjects, and ({names}) "
                f"{_why_not(graph, anchor.table, hop.columns)} when one of them goes before the "
                "others; make it nullable, or give one link role: reference"
            )
        else:
            continue
        if (place, said) not in findings:
            findings.append((place, said))
    return findings


def _hanging(cluster: str, ref: Reference) -> Finding:
    return (
        ("tables", str(ref.parent), "when_due"),
        f"its rows are erased with cluster '{cluster}', and {ref.child} ({', '.join(ref.columns)}) "
        "keeps rows that reference them; say when_due: skeleton here, or when_gone: unlink on the "
        f"link of {ref.child}",
    )


def _blankings(
    graph: Graph, members: tuple[Member, ...], findings: list[Finding]
) -> tuple[Blanking, ...]:
    found = []
    for member in members:
        if member.action.do == "erase":
            continue
        entry = graph.policy.tables[member.table]
        blanking = _blanking(graph, member, entry)
        table = graph.catalogue.tables[member.table]
        for column in blanking.nulled:
            known = table.columns.get(column)
            if known is not None and not known.may_be_nulled:
                findings.append(
                    (
                        ("tables", str(member.table), "when_due"),
                        f"column '{column}' cannot be NULL; give it a text under replace",
                    )
                )
        found.append(blanking)
    return tuple(found)


def _blanking(graph: Graph, member: Member, entry: PolicyTable) -> Blanking:
    action = member.action
    nulled = list(action.blank)
    if action.do == "skeleton" and not action.blank:
        known = graph.catalogue.tables[member.table].columns
        nulled = [
            column
            for column, spec in entry.columns.items()
            if spec.class_ not in ("key", "date")
            and column in known
            and known[column].generated is None
            and column not in action.replace
        ]
    return Blanking(member, tuple(nulled), tuple(sorted(action.replace.items())))
