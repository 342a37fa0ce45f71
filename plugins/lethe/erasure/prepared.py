"""The statements of an assignment, composed once and kept as text for all its batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from psycopg2 import extensions, sql

from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Anchor, Graph, Member, Reference
from lethe.erasure import questions, shared_rows, statements
from lethe.erasure.assignment import Assignment
from lethe.erasure.ready import Act, Bar, FileColumn, Prepared, Ready, ReadyAnchor
from lethe.erasure.watch import Watch, watch_tables
from lethe.policy.names import TableName, quoted

__all__ = ["Prepared", "may_swallow", "prepare"]


def prepare(connection: extensions.connection, assignment: Assignment) -> Prepared:
    """Compose every statement of an assignment."""
    return _Preparer(connection, assignment).prepare()


class _Preparer:
    def __init__(self, connection: extensions.connection, assignment: Assignment) -> None:
        self._connection = connection
        self._assignment = assignment
        self._graph = assignment.graph
        self._steps = assignment.steps
        self._kind = assignment.steps.kind
        self._as_of = assignment.as_of

    def prepare(self) -> Prepared:
        kind, steps = self._kind, self._steps
        members = [*steps.deletes, *(b.member for b in steps.blankings if _is_kept(b.member))]
        members = [member for member in members if may_swallow(self._graph, member.table)]
        blanked = {act.table for act in self._blankings()}
        put_back = self._put_back()
        counting = questions.count_rows(self._graph, kind, members, self._as_of)
        return Prepared(
            lock=self._lock(),
            locks=tuple((table, self._ready(lock)) for table, lock in self._assignment.locks),
            recheck=self._ready(questions.recheck(kind, self._assignment.recheck)),
            glance=self._ready(questions.recheck(kind, self._assignment.glance)),
            bars=(*self._bars(steps.barred), *self._halts()),
            suspects=tuple(self._bars(steps.suspects)),
            anchors=tuple(self._anchor(anchor) for anchor in steps.anchors),
            files=tuple(self._files()),
            count=self._ready(counting) if members else None,
            counted=tuple(
                (member.table, member.action.do == "erase" or member.table in blanked)
                for member in members
            ),
            deferred=self._deferred(),
            acts=tuple(self._acts()),
            watch=self._watch(),
            left=self._ready(questions.count_rows(self._graph, kind, put_back, self._as_of))
            if put_back
            else None,
            left_of=tuple(member.table for member in put_back),
            keeps=tuple(self._ready(keep) for keep in self._assignment.keeps),
        )

    def _put_back(self) -> list[Member]:
        """The members whose rows a trigger of the warehouse's own may write back.

        The subject's own row, whatever has a trigger, and rows of tables that have one. What one
        table's trigger adds to another below the subject is late, and goes at the read-back.
        """
        touched = self._steps.tables
        triggered = {one.table for one in self._graph.catalogue.triggers if one.table in touched}
        if not triggered:
            return []
        asked = triggered | {self._kind.table}
        deletes = [m for m in self._steps.deletes if m.table in asked]
        return [m for m in deletes if m.action.do == "erase" and m.anchor is None]

    def _watch(self) -> Watch:
        steps = self._steps
        touched = {*steps.tables, *(ref.child for _, ref in (*steps.unlinks, *steps.cuts))}
        with self._connection.cursor() as cursor:
            return watch_tables(cursor, self._graph.catalogue, self._assignment.rule, touched)

    def _ready(self, found: Statement) -> Ready:
        return Ready(found.text.as_string(self._connection), found.values)

    def _act(
        self, does: Literal["cut", "unlink", "delete", "blank"], member: Member, found: Statement
    ) -> Act:
        return Act(does, member.table, _anchor_of(member), self._ready(found))

    def _acts(self) -> Iterator[Act]:
        """Cuts, then rows that are kept, then table by table: unlink, delete, blank what stays."""
        graph, kind, steps, as_of = self._graph, self._kind, self._steps, self._as_of
        for member, ref in steps.cuts:
            yield self._act("cut", member, statements.cut(graph, kind, member, ref, as_of))
        blankings = list(self._blankings())
        going = {member.table for member in steps.deletes}
        yield from (act for act in blankings if act.table not in going)
        for group in steps.groups:
            tables = [member.table for member in group]
            for parent, ref in steps.unlinks:
                if parent.table in tables:
                    found = statements.unlink(graph, kind, parent, ref, as_of)
                    yield Act("unlink", ref.child, _anchor_of(parent), self._ready(found))
            yield self._delete(group)
            yield from (act for act in blankings if act.table in tables)

    def _delete(self, group: tuple[Member, ...]) -> Act:
        graph, kind, as_of = self._graph, self._kind, self._as_of
        cut_off, first = self._assignment.cut_off, group[0]
        if len(group) > 1:
            found = statements.delete_together(graph, kind, group, as_of, cut_off=cut_off)
            tables = tuple(member.table for member in group)
            return Act("delete", first.table, None, self._ready(found), tables)
        spared = self._steps.spared.get(first.table, ())
        found = statements.delete(graph, kind, first, spared, as_of, cut_off=cut_off)
        return self._act("delete", first, found)

    def _blankings(self) -> Iterator[Act]:
        for blanking in self._steps.blankings:
            found = statements.blank(self._graph, self._kind, blanking, self._as_of)
            if found is not None:
                yield self._act("blank", blanking.member, found)

    def _bars(self, pairs: Iterable[tuple[Member, Reference]]) -> Iterator[Bar]:
        for member, ref in pairs:
            found = questions.find_barred(self._graph, self._kind, member, ref, self._as_of)
            reason = f"still referenced by {ref.child}"
            yield Bar(reason, _anchor_of(member), self._ready(found))

    def _halts(self) -> Iterator[Bar]:
        for blanking in self._steps.halted:
            member = blanking.member
            spared = self._steps.spared.get(member.table, ())
            found = questions.find_staying(self._graph, self._kind, member, spared, self._as_of)
            reason = f"unclassified column in {member.table}"
            yield Bar(reason, _anchor_of(member), self._ready(found))

    def _anchor(self, anchor: Anchor) -> ReadyAnchor:
        graph, kind = self._graph, self._kind
        cuts = (statements.cut_links(graph, anchor, way, kind) for way in anchor.ways)
        return ReadyAnchor(
            anchor,
            self._ready(shared_rows.find_anchored(graph, kind, anchor)),
            self._ready(shared_rows.find_going(graph, kind, anchor, self._as_of)),
            tuple(self._ready(found) for found in cuts if found is not None),
        )

    def _lock(self) -> Ready | None:
        kind = self._kind
        if kind.table is None:
            return None
        columns = [name for each in kind.policy.identifiers.values() for name in each.columns]
        return self._ready(questions.lock_subjects(kind, columns))

    def _files(self) -> Iterator[FileColumn]:
        kept = [b for b in self._steps.blankings if _is_kept(b.member)]
        going: list[tuple[Member, frozenset[str] | None]] = [(m, None) for m in self._steps.deletes]
        going += [(blanking.member, frozenset(blanking.nulled)) for blanking in kept]
        for member, only in going:
            entry = self._graph.policy.tables[member.table]
            for name, spec in entry.columns.items():
                if spec.file_reference and (only is None or name in only):
                    found = questions.read_columns(
                        self._graph, self._kind, member, [name], self._as_of
                    )
                    yield FileColumn(
                        spec.file_reference,
                        Act("read", member.table, _anchor_of(member), self._ready(found)),
                    )

    def _deferred(self) -> str | None:
        if not self._steps.deferred:
            return None
        names = [quoted(*name.split("\x00")) for name in self._steps.deferred]
        text = sql.SQL("SET CONSTRAINTS {} DEFERRED").format(sql.SQL(", ").join(names))
        return text.as_string(self._connection).replace("%%", "%")


def may_swallow(graph: Graph, table: TableName) -> bool:
    """Whether a DELETE or UPDATE may do less than it says: a trigger before each row, a rule, or
    rows on another server. PostgreSQL itself deletes what its WHERE finds."""
    catalogue = graph.catalogue
    known = catalogue.tables[table]
    return (
        known.kind == "foreign"
        or any(part.kind == "foreign" for part in known.partitions)
        or any(
            trigger.table == table and trigger.for_each_row and trigger.timing == "before"
            for trigger in catalogue.triggers
        )
        or any(rule.table == table for rule in catalogue.rules)
    )


def _anchor_of(member: Member) -> TableName | None:
    return member.anchor.table if member.anchor else None


def _is_kept(member: Member) -> bool:
    return member.action.do == "keep"
