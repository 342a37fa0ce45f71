"""The statements of an assignment, composed once and kept as text for all its batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from weakref import WeakKeyDictionary

from psycopg2 import extensions, sql

from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Anchor, Graph, Member, Reference
from lethe.erasure import questions, shared_rows, statements
from lethe.erasure.assignment import Assignment
from lethe.include import statement
from lethe.policy.names import TableName, quoted

Rows = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the frozen set, by number, and the rows of anchors that go with them."""

    run_id: str
    rule: str
    numbers: Sequence[int]
    anchored: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def written(self) -> str:
        """The numbers as the text of an array: one literal for the server to read, not hundreds."""
        return _write(tuple(self.numbers))


_batch_of: WeakKeyDictionary[extensions.cursor, tuple[str, str, str]] = WeakKeyDictionary()
"""Which batch the transaction of a cursor knows: a cursor lives as long as its transaction, and
what was set ends with that, so that a statement without its batch is an error."""


def _set_batch(cursor: extensions.cursor, batch: Batch) -> None:
    this = batch.run_id, batch.rule, batch.written
    if _batch_of.get(cursor) != this:
        named = {"run_id": this[0], "rule": this[1], "numbers": this[2]}
        cursor.execute(statement("erasure/set_batch"), named)
        _batch_of[cursor] = this


@lru_cache(8)
def _write(numbers: tuple[int, ...]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


@dataclass(frozen=True, slots=True)
class Ready:
    """A statement as text, with its bound values."""

    text: str
    values: Mapping[str, object]

    def run(self, cursor: extensions.cursor, batch: Batch) -> None:
        """Execute it for a batch, whose keys the transaction knows."""
        _set_batch(cursor, batch)
        cursor.execute(
            self.text,
            {
                **self.values,
                "run_id": batch.run_id,
                "rule": batch.rule,
                "numbers": batch.written,
                **batch.anchored,
            },
        )

    def fetch(self, cursor: extensions.cursor, batch: Batch) -> Rows:
        """Execute it for a batch and give its rows."""
        self.run(cursor, batch)
        return cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Act:
    """A statement that deletes or changes rows of a table, for keys of the subject or an anchor."""

    does: Literal["cut", "unlink", "delete", "blank", "read"]
    table: TableName
    anchor: TableName | None
    ready: Ready


@dataclass(frozen=True, slots=True)
class Bar:
    """A question whose answer names subjects, or rows of an anchor, that must stay."""

    reason: str
    anchor: TableName | None
    ready: Ready


@dataclass(frozen=True, slots=True)
class ReadyAnchor:
    """The statements of one anchor."""

    anchor: Anchor
    find: Ready
    going: Ready
    cuts: tuple[Ready, ...]


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column that names files of a system."""

    system: str
    act: Act


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a batch executes.

    bars      subjects that must stay; asked for until nothing changes any more
    suspects  asked for after the database refused a batch
    lock      locks the subjects; gives their keys and identifiers
    counted   the tables that `count` counts, and whether each count must equal rows acted on: those
              where something of the warehouse's own could swallow what we do
    acts      in the order of the act
    """

    lock: Ready | None
    locks: tuple[Ready, ...]
    recheck: Ready
    glance: Ready
    bars: tuple[Bar, ...]
    suspects: tuple[Bar, ...]
    anchors: tuple[ReadyAnchor, ...]
    files: tuple[FileColumn, ...]
    count: Ready | None
    counted: tuple[tuple[TableName, bool], ...]
    deferred: str | None
    acts: tuple[Act, ...]
    keeps: tuple[Ready, ...] = ()


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
        counting = questions.count_rows(self._graph, kind, members, self._as_of)
        return Prepared(
            lock=self._lock(),
            locks=tuple(self._ready(lock) for lock in self._assignment.locks),
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
            keeps=tuple(self._ready(keep) for keep in self._assignment.keeps),
        )

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
        for member in steps.deletes:
            for parent, ref in steps.unlinks:
                if parent.table == member.table:
                    found = statements.unlink(graph, kind, parent, ref, as_of)
                    yield Act("unlink", ref.child, _anchor_of(parent), self._ready(found))
            spared = steps.spared.get(member.table, ())
            found = statements.delete(
                graph, kind, member, spared, as_of, cut_off=self._assignment.cut_off
            )
            yield self._act("delete", member, found)
            yield from (act for act in blankings if act.table == member.table)

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
