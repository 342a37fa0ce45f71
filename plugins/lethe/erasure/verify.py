"""Read back after the act, with statements of their own: what was planned is gone, nothing is left.

A row that came late through a link that no foreign key declares is erased here, under the
subject's tombstone, unless somebody with the same key has come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from psycopg2 import extensions, sql

from lethe.catalogue.fragments import Statement
from lethe.connections import acting_as
from lethe.erasure import statements
from lethe.erasure.assignment import Assignment
from lethe.erasure.prepared import Batch, Ready
from lethe.errors import VerificationError
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.include import statement

_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What the read-back of a rule found.

    remaining  table → rows of erased subjects that are still there and should not be
    unblanked  table → rows that stay and still hold what should be blank
    late       table → rows that came late and were erased now
    left_due   subjects of the frozen set that are still due though they were done
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
        if self.left_due:
            parts.append(f"{self.left_due} subjects are done and still due")
        if parts:
            raise VerificationError(f"rule {rule}: {'; '.join(parts)}")


def verify_rule(
    connection: extensions.connection, assignment: Assignment, witness: Witness | None
) -> Verification:
    """Read back a rule of a run; commits what it erases late."""
    chunks = list(_done(connection, assignment))
    late: dict[str, int] = {}
    for chunk in chunks:
        for table, rows in _erase_late(connection, assignment, chunk, witness).items():
            late[table] = late.get(table, 0) + rows
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        remaining = _count(connection, cursor, assignment, chunks)
        unblanked = _count_unblanked(connection, cursor, assignment, chunks)
        left_due, arrived = _count_due(cursor, assignment)
    connection.rollback()
    return Verification(remaining, unblanked, late, left_due, arrived)


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


def _erase_late(
    connection: extensions.connection,
    assignment: Assignment,
    chunk: Batch,
    witness: Witness | None,
) -> dict[str, int]:
    steps = assignment.steps
    members = [member for member in steps.late if member.anchor is None]
    if not members:
        return {}
    acting_as(connection, "runner")
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        gone = _without_the_returned(connection, cursor, assignment, chunk)
        for member in members if gone.numbers else ():
            act = statements.delete(
                assignment.graph,
                steps.kind,
                member,
                steps.spared.get(member.table, ()),
                assignment.as_of,
            )
            rows = Ready(act.text.as_string(connection), act.values).fetch(cursor, gone)
            if rows:
                found[str(member.table)] = sum(int(str(count)) for _, count in rows)
    if not found:
        connection.rollback()
        return {}
    evidence = EvidenceBatch(connection, assignment.run_id, witness)
    evidence.add_rows(
        [LedgerRow("late_rows_erased", {"rule": assignment.rule, "rows": dict(found)})]
    )
    evidence.commit()
    return found


def _without_the_returned(
    connection: extensions.connection,
    cursor: extensions.cursor,
    assignment: Assignment,
    chunk: Batch,
) -> Batch:
    """Leave out subjects whose key is in use again by a row that is no skeleton."""
    kind = assignment.steps.kind
    if kind.table is None or not any(m.table == kind.table for m in assignment.steps.deletes):
        return chunk
    back = statements.find_returned(kind, assignment.steps.cluster)
    rows = Ready(back.text.as_string(connection), back.values).fetch(cursor, chunk)
    returned = {int(str(row[0])) for row in rows}
    numbers = [number for number in chunk.numbers if number not in returned]
    return Batch(chunk.run_id, chunk.rule, numbers)


def _count(
    connection: extensions.connection,
    cursor: extensions.cursor,
    assignment: Assignment,
    chunks: list[Batch],
) -> dict[str, int]:
    found: dict[str, int] = {}
    steps = assignment.steps
    for member in steps.deletes:
        if member.anchor is not None or member.action.do == "skeleton":
            continue
        counting = statements.count_remaining(assignment.graph, steps.kind, member)
        found |= _sum(connection, cursor, str(member.table), counting, chunks)
    return found


def _count_unblanked(
    connection: extensions.connection,
    cursor: extensions.cursor,
    assignment: Assignment,
    chunks: list[Batch],
) -> dict[str, int]:
    found: dict[str, int] = {}
    steps = assignment.steps
    for blanking in steps.blankings:
        if blanking.member.anchor is None and blanking.nulled:
            counting = statements.count_unblanked(assignment.graph, steps.kind, blanking)
            found |= _sum(connection, cursor, str(blanking.member.table), counting, chunks)
    return found


def _sum(
    connection: extensions.connection,
    cursor: extensions.cursor,
    table: str,
    counting: Statement,
    chunks: list[Batch],
) -> dict[str, int]:
    ready = Ready(counting.text.as_string(connection), counting.values)
    rows = sum(int(str(ready.fetch(cursor, chunk)[0][0])) for chunk in chunks)
    return {table: rows} if rows else {}


def _count_due(cursor: extensions.cursor, assignment: Assignment) -> tuple[int, int]:
    text = sql.SQL(
        "{} SELECT count(*) FILTER (WHERE p.outcome = 'done'),"
        " count(*) FILTER (WHERE p.run_id IS NULL) FROM decided AS d"
        " LEFT JOIN lethe.plan_subject AS p ON p.run_id = %(run_id)s AND p.rule = %(rule)s"
        " AND p.key = d.key WHERE d.outcome = 'due'"
    ).format(assignment.decide.text)
    values = {
        **assignment.decide.values,
        "run_id": str(assignment.run_id),
        "rule": assignment.rule,
    }
    cursor.execute(text, values)
    row = cursor.fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
