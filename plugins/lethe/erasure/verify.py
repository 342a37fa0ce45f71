"""Read back after the act, with statements of their own: what was planned is gone, nothing is left.

Whoever was erased is read back whole. A row that came late through a link that no foreign key
declares is erased here, under the subject's tombstone. Whoever is there again, or was there all the
time (only one cluster of theirs ended), is left in peace: the batch itself counted what it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from psycopg2 import extensions, sql

from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Member
from lethe.connections import acting_as
from lethe.erasure import questions, statements
from lethe.erasure.assignment import Assignment
from lethe.erasure.ready import Batch, Ready
from lethe.errors import VerificationError
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.include import statement

_CHUNK = 2_000
_PASSES = 3
"""Late rows may come while late rows are erased."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What the read-back of a rule found.

    remaining  table → rows of erased subjects that are still there and should not be
    unblanked  table → rows that stay and still hold what should be blank
    late       table → rows that came late and were erased now
    left_due   subjects of the frozen set that are due again: an old row came late to somebody who
               is still there; the next night finds them
    arrived    subjects that are due now and were not when the set was frozen
    """

    remaining: dict[str, int] = field(default_factory=dict)
    unblanked: dict[str, int] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    left_due: int = 0
    arrived: int = 0

    def require_clean(self, rule: str) -> None:
        """Refuse to call the rule done if anything is left.

        Raises  VerificationError with tables and counts
        """
        parts = [f"{table}: {rows} rows remain" for table, rows in self.remaining.items()]
        parts += [f"{table}: {rows} rows are not blank" for table, rows in self.unblanked.items()]
        if parts:
            raise VerificationError(f"rule {rule}: {'; '.join(parts)}")


def verify_rule(
    connection: extensions.connection, assignment: Assignment, witness: Witness | None
) -> Verification:
    """Read back a rule of a run; commits what it erases late."""
    reader = _Reader(connection, assignment, witness)
    found = Verification()
    for chunk in list(_done(connection, assignment)):
        reader.read(chunk, found)
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        left_due, arrived = _count_due(cursor, assignment)
    connection.rollback()
    return Verification(found.remaining, found.unblanked, found.late, left_due, arrived)


def _done(connection: extensions.connection, assignment: Assignment) -> Iterator[Batch]:
    """The done subjects of a rule, in chunks."""
    run = {"run_id": str(assignment.run_id), "rule": assignment.rule}
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        cursor.execute(statement("erasure/list_done"), run)
        numbers = [int(row[0]) for row in cursor.fetchall()]
    connection.rollback()
    for at in range(0, len(numbers), _CHUNK):
        yield Batch(run["run_id"], run["rule"], numbers[at : at + _CHUNK])


class _Reader:
    """Reads chunks of a rule's done subjects back."""

    def __init__(
        self, connection: extensions.connection, assignment: Assignment, witness: Witness | None
    ) -> None:
        self._connection = connection
        self._assignment = assignment
        self._witness = witness
        graph, steps, as_of = assignment.graph, assignment.steps, assignment.as_of
        kind = steps.kind
        self._going = [m for m in steps.deletes if m.anchor is None and m.action.do == "erase"]
        self._counting = self._ready(questions.count_rows(graph, kind, self._going, as_of))
        self._unblanked = [
            (
                str(each.member.table),
                self._ready(questions.count_unblanked(graph, kind, each, as_of)),
            )
            for each in steps.blankings
            if each.member.anchor is None and each.nulled
        ]
        self._acts = [
            ([m.table for m in group], self._ready(self._deleting(group)))
            for group in steps.groups
            if group[0].anchor is None
        ]
        blankings = [
            (each.member.table, statements.blank(graph, kind, each, as_of))
            for each in steps.blankings
            if each.member.anchor is None
        ]
        self._acts += [([table], self._ready(each)) for table, each in blankings if each]
        self._existing = (
            self._ready(questions.find_existing(kind, steps.cluster)) if kind.table else None
        )
        self._judged = self._ready(questions.find_judged(kind, assignment.recheck))

    def _ready(self, found: Statement) -> Ready:
        return Ready(found.text.as_string(self._connection), found.values)

    def _deleting(self, group: tuple[Member, ...]) -> Statement:
        graph, steps, as_of = self._assignment.graph, self._assignment.steps, self._assignment.as_of
        if len(group) > 1:
            return statements.delete_together(graph, steps.kind, group, as_of)
        spared = steps.spared.get(group[0].table, ())
        return statements.delete(graph, steps.kind, group[0], spared, as_of)

    def read(self, chunk: Batch, found: Verification) -> None:
        """Read a chunk back, and add to what was found."""
        for _ in range(_PASSES):
            remaining, unblanked = self._count(chunk)
            if not remaining and not unblanked:
                return
            late = self._erase_late(chunk)
            _add(found.late, late)
            if not late:
                break
        remaining, unblanked = self._count(chunk)
        _add(found.remaining, remaining)
        _add(found.unblanked, unblanked)

    def _count(self, chunk: Batch) -> tuple[dict[str, int], dict[str, int]]:
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            gone = self._gone(cursor, chunk)
            counts: Sequence[object] = ()
            if self._going and gone.numbers:
                (counts,) = self._counting.fetch(cursor, gone)
            remaining = {
                str(member.table): int(str(rows))
                for member, rows in zip(self._going, counts, strict=False)
                if rows
            }
            unblanked = {}
            for table, ready in self._unblanked if gone.numbers else ():
                ((rows,),) = ready.fetch(cursor, gone)
                if rows:
                    unblanked[table] = int(str(rows))
        self._connection.rollback()
        return remaining, unblanked

    def _erase_late(self, chunk: Batch) -> dict[str, int]:
        acting_as(self._connection, "runner")
        found: dict[str, int] = {}
        with self._connection.cursor() as cursor:
            gone = self._gone(cursor, chunk)
            for tables, ready in self._acts if gone.numbers else ():
                for row in ready.fetch(cursor, gone):
                    place, rows = (row[0], row[2]) if len(tables) > 1 else (0, row[1])
                    _add(found, {str(tables[int(str(place))]): int(str(rows))})
        if not found:
            self._connection.rollback()
            return {}
        evidence = EvidenceBatch(self._connection, self._assignment.run_id, self._witness)
        evidence.add_rows(
            [LedgerRow("late_rows_erased", {"rule": self._assignment.rule, "rows": dict(found)})]
        )
        evidence.commit()
        return found

    def _gone(self, cursor: extensions.cursor, chunk: Batch) -> Batch:
        """Leave out whoever is there: they came back, or live on without this cluster."""
        there: set[int] = set()
        for ready in (self._existing, self._judged):
            if ready is not None:
                there |= {int(str(row[0])) for row in ready.fetch(cursor, chunk)}
        numbers = [number for number in chunk.numbers if number not in there]
        return Batch(chunk.run_id, chunk.rule, numbers)


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    for table, rows in more.items():
        total[table] = total.get(table, 0) + rows


def _count_due(cursor: extensions.cursor, assignment: Assignment) -> tuple[int, int]:
    # Grouped, not joined: without statistics on a set just frozen, a join may try every pair.
    text = sql.SQL(
        "{} SELECT count(*) FILTER (WHERE due AND done), count(*) FILTER (WHERE due AND NOT frozen)"
        " FROM (SELECT bool_or(due) AS due, bool_or(done) AS done, bool_or(frozen) AS frozen"
        " FROM (SELECT key, true AS due, false AS done, false AS frozen"
        " FROM decided WHERE outcome = 'due'"
        " UNION ALL SELECT key, false, outcome IS NOT DISTINCT FROM 'done', true"
        " FROM lethe.plan_subject WHERE run_id = %(run_id)s AND rule = %(rule)s"
        ") AS e GROUP BY key) AS s"
    ).format(assignment.decide.text)
    values = {
        **assignment.decide.values,
        "run_id": str(assignment.run_id),
        "rule": assignment.rule,
    }
    cursor.execute(statement("erasure/set_planning"))
    cursor.execute(text, values)
    row = cursor.fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
