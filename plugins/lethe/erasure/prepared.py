"""The statements of an assignment, composed once and kept as text for all its batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg2 import extensions, sql

from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Anchor, Member
from lethe.erasure import statements
from lethe.erasure.assignment import Assignment
from lethe.policy.names import TableName, quoted

Keys = Sequence[Sequence[str]]
Rows = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the frozen set, by number."""

    run_id: str
    rule: str
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class Ready:
    """A statement as text, with its bound values."""

    text: str
    values: Mapping[str, object]

    def run(self, cursor: extensions.cursor, batch: Batch, anchored: Keys = ()) -> None:
        """Execute it for a batch.

        anchored  keys of the rows of an anchor, where the statement asks for them
        """
        values = {
            **self.values,
            "run_id": batch.run_id,
            "rule": batch.rule,
            "numbers": list(batch.numbers),
        }
        for i, column in enumerate(zip(*anchored, strict=True) if anchored else ()):
            values[f"anchor{i}"] = list(column)
        cursor.execute(self.text, values)

    def fetch(self, cursor: extensions.cursor, batch: Batch, anchored: Keys = ()) -> Rows:
        """Execute it for a batch and give its rows."""
        self.run(cursor, batch, anchored)
        return cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Act:
    """A statement that deletes or changes rows of a table, for keys of the subject or an anchor."""

    table: TableName
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
    """Everything that a batch executes, in the order of the act."""

    lock: Ready | None
    locks: tuple[Ready, ...]
    recheck: Ready
    barred: tuple[tuple[str, str | None, Ready], ...]
    anchors: tuple[ReadyAnchor, ...]
    identifiers: Ready | None
    identifier_names: tuple[str, ...]
    files: tuple[FileColumn, ...]
    deferred: str | None
    cuts: tuple[Act, ...]
    unlinks: tuple[Act, ...]
    deletes: tuple[Act, ...]
    blankings: tuple[Act, ...]


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

    def prepare(self) -> Prepared:
        graph, kind, steps = self._graph, self._kind, self._steps
        as_of = self._assignment.as_of
        identifiers = self._identifiers()
        return Prepared(
            lock=self._ready(statements.lock_subjects(kind)) if kind.table else None,
            locks=tuple(self._ready(lock) for lock in self._assignment.locks),
            recheck=self._recheck(),
            barred=tuple(
                (
                    str(ref.child),
                    str(member.anchor.table) if member.anchor else None,
                    self._ready(statements.find_barred(graph, kind, member, ref)),
                )
                for member, ref in steps.barred
            ),
            anchors=tuple(self._anchor(anchor) for anchor in steps.anchors),
            identifiers=identifiers,
            identifier_names=tuple(kind.policy.identifiers),
            files=tuple(self._files()),
            deferred=self._deferred(),
            cuts=self._acts((m, statements.cut(graph, kind, m, r)) for m, r in steps.cuts),
            unlinks=tuple(
                Act(
                    ref.child,
                    member.anchor.table if member.anchor else None,
                    self._ready(statements.unlink(graph, kind, member, ref)),
                )
                for member, ref in steps.unlinks
            ),
            deletes=self._acts(
                (m, statements.delete(graph, kind, m, steps.spared.get(m.table, ()), as_of))
                for m in steps.deletes
            ),
            blankings=self._acts(
                (blanking.member, found)
                for blanking in steps.blankings
                for found in [statements.blank(graph, kind, blanking, as_of)]
                if found is not None
            ),
        )

    def _ready(self, found: Statement) -> Ready:
        return Ready(found.text.as_string(self._connection), found.values)

    def _acts(self, found: Iterable[tuple[Member, Statement]]) -> tuple[Act, ...]:
        return tuple(
            Act(member.table, member.anchor.table if member.anchor else None, self._ready(text))
            for member, text in found
        )

    def _recheck(self) -> Ready:
        recheck = self._assignment.recheck
        text = sql.SQL("{} SELECT key, outcome FROM decided").format(recheck.text)
        return self._ready(Statement(text, recheck.values))

    def _anchor(self, anchor: Anchor) -> ReadyAnchor:
        graph, kind = self._graph, self._kind
        cuts = (statements.cut_links(graph, anchor, way, kind) for way in anchor.ways)
        return ReadyAnchor(
            anchor,
            self._ready(statements.find_anchored(kind, anchor)),
            self._ready(statements.find_going(graph, kind, anchor, self._assignment.as_of)),
            tuple(self._ready(found) for found in cuts if found is not None),
        )

    def _identifiers(self) -> Ready | None:
        kind = self._kind
        columns = [name for each in kind.policy.identifiers.values() for name in each.columns]
        if kind.table is None or not columns:
            return None
        return self._ready(statements.read_subjects(kind, columns))

    def _files(self) -> Iterable[FileColumn]:
        kept = [b for b in self._steps.blankings if b.member.action.do == "keep"]
        going: list[tuple[Member, frozenset[str] | None]] = [(m, None) for m in self._steps.deletes]
        going += [(blanking.member, frozenset(blanking.nulled)) for blanking in kept]
        for member, only in going:
            entry = self._graph.policy.tables[member.table]
            for name, spec in entry.columns.items():
                if spec.file_reference and (only is None or name in only):
                    found = statements.read_columns(self._graph, self._kind, member, [name])
                    anchor = member.anchor.table if member.anchor else None
                    yield FileColumn(
                        spec.file_reference, Act(member.table, anchor, self._ready(found))
                    )

    def _deferred(self) -> str | None:
        if not self._steps.deferred:
            return None
        names = [quoted(*name.split("\x00")) for name in self._steps.deferred]
        text = sql.SQL("SET CONSTRAINTS {} DEFERRED").format(sql.SQL(", ").join(names))
        return text.as_string(self._connection).replace("%%", "%")
