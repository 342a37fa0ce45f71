"""Statements that wait for a batch: as text, and what each of them acts on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal
from weakref import WeakKeyDictionary

from psycopg2 import extensions

from lethe.catalogue.graph import Anchor
from lethe.erasure.watch import Watch
from lethe.include import statement
from lethe.policy.names import TableName

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
    """A statement that deletes or changes rows of a table, for keys of the subject or an anchor.

    together  the tables of a circle, by whose place its rows begin; of one table: none
    """

    does: Literal["cut", "unlink", "delete", "blank", "read"]
    table: TableName
    anchor: TableName | None
    ready: Ready
    together: tuple[TableName, ...] = ()

    def parts(self, rows: Rows) -> list[tuple[Act, Rows]]:
        """What it did, table by table."""
        if not self.together:
            return [(self, rows)]
        return [
            (replace(self, table=table, together=()), [row[1:] for row in rows if row[0] == place])
            for place, table in enumerate(self.together)
        ]


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
    left      counts what is left of `left_of` after the act, where a trigger may put rows back
    watch     tells whether the tables are still those that the statements were made for
    """

    lock: Ready | None
    locks: tuple[tuple[TableName, Ready], ...]
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
    watch: Watch
    left: Ready | None
    left_of: tuple[TableName, ...]
    keeps: tuple[Ready, ...] = ()
