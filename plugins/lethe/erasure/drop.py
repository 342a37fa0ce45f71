"""Drop the partitions of a rule that lie wholly past their period, each in a batch of its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import Values, column, key_text, type_name
from lethe.catalogue.model import Partition
from lethe.connections import acting_as
from lethe.erasure.assignment import Assignment
from lethe.erasure.partitions import Droppable, droppable, ends_of, is_plausible
from lethe.errors import describe_database_error
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import Json, LedgerRow
from lethe.evidence.witness import Witness
from lethe.include import statement
from lethe.policy.model.guards import Batches
from lethe.policy.names import quoted
from lethe.policy.periods import boundary

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Dropped:
    """What was dropped: partitions, and rows, each a subject."""

    partitions: int = 0
    subjects: int = 0


class _NotNow(Exception):
    """A partition stays tonight; its rows go one by one, as far as they may."""


def drop_partitions(
    connection: extensions.connection,
    assignment: Assignment,
    *,
    manners: Batches,
    witness: Witness | None,
    night: Mapping[str, Json],
    most: int | None = None,
    with_digest: bool = True,
) -> Dropped:
    """Drop what lies wholly past its period, and is frozen as the rows of this run to the last one.

    connection  of the runner, outside a transaction
    night       whose work it is, for the ledger
    most        subjects at most; a partition that has more is left to the batches
    """
    done = Dropped()
    found = droppable(assignment.graph, assignment.rule)
    for partition in found.partitions if found else ():
        assert found is not None  # noqa: S101 (the loop says so)
        left = None if most is None else most - done.subjects
        try:
            rows = _drop(connection, assignment, found, partition, manners, witness, night, left,
                         with_digest=with_digest)  # fmt: skip
        except _NotNow as reason:
            connection.rollback()
            log.debug("Partition %s stays: %s", partition.name, reason)
            continue
        except psycopg2.Error as error:
            if connection.closed:
                raise
            connection.rollback()
            told = describe_database_error(error)
            log.warning(
                "Partition %s was not dropped, its rows go singly: %s", partition.name, told
            )
            continue
        done.partitions += 1
        done.subjects += rows
        log.info("Rule %s: dropped %s with %s rows", assignment.rule, partition.name, rows)
    return done


def _drop(
    connection: extensions.connection,
    assignment: Assignment,
    found: Droppable,
    partition: Partition,
    manners: Batches,
    witness: Witness | None,
    night: Mapping[str, Json],
    most: int | None,
    *,
    with_digest: bool,
) -> int:
    rule = assignment.graph.policy.rules[assignment.rule]
    bounds = ends_of(partition)
    if bounds is None or not is_plausible(partition, rule):
        raise _NotNow("its bounds are open or not to be believed")
    first, ends = bounds
    run: dict[str, object] = {"run_id": str(assignment.run_id), "rule": assignment.rule}
    last_due = boundary(assignment.as_of, rule.period)
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        cursor.execute(
            statement("erasure/set_manners"),
            {"lock_timeout": f"{manners.lock_timeout_ms}ms", "statement_timeout": "0"},
        )
        if _last_day(cursor, assignment, found, ends) > last_due:
            raise _NotNow("not all of it is due")
        cursor.execute(statement("guards/lock_holds_shared"))
        cursor.execute(statement("erasure/find_standing_holds"), {"kind": found.kind.name})
        if cursor.fetchone() == (True,):
            raise _NotNow("holds are in force")
        cursor.execute(
            statement(
                "erasure/decide_partition",
                table=found.table.identifier,
                column=quoted(found.column),
                type=type_name(found.sql_type),
                key=key_text([column("t", name) for name in found.kind.key]),
            ),
            {**run, "first": first, "ends": ends},
        )
        subjects = cursor.rowcount
        if subjects == 0 or (most is not None and subjects > most):
            raise _NotNow("nothing of it is planned, or more than tonight may take")
        cursor.execute(
            statement("erasure/drop_partition", function=sql.Identifier(found.function)),
            {
                "schema": partition.name.schema,
                "name": partition.name.name,
                "last_due": last_due,
                "with_digest": with_digest,
            },
        )
        rows, newest, digest = cursor.fetchone() or (0, None, None)
        if rows != subjects:
            raise _NotNow("it has rows that the plan does not have")
        cursor.execute(
            statement("erasure/count_rows"),
            {
                **run,
                "shard": 0,
                "tables": [str(found.table)],
                "locked": [rows],
                "deleted": [rows],
                "changed": [0],
            },
        )
    evidence = EvidenceBatch(connection, assignment.run_id, witness)
    told: dict[str, Json] = {
        "rule": assignment.rule,
        "table": str(found.table),
        "partition": str(partition.name),
        "bound": partition.bound,
        "rows": rows,
        "newest_on": newest.isoformat(),
        "digest": bytes(digest).hex() if digest is not None else None,
    }
    batch: dict[str, Json] = {"rule": assignment.rule, "done": rows, "skipped": {}, **night}
    evidence.add_rows([LedgerRow("partition_dropped", told), LedgerRow("batch_done", batch)])
    evidence.commit()
    return subjects


def _last_day(
    cursor: extensions.cursor, assignment: Assignment, found: Droppable, ends: str
) -> date:
    """The last day of which a partition can hold a row, by its bound."""
    context = Context(assignment.graph, assignment.as_of, Values())
    value = sql.SQL("%(ends)s::{}").format(type_name(found.sql_type))
    if found.sql_type == "date":
        cursor.execute(sql.SQL("SELECT {}").format(value), {"ends": ends})
        (day,) = cursor.fetchone() or (date.max,)
        return day - timedelta(days=1)  # type: ignore[no-any-return]
    before = sql.SQL("({} - interval '1 microsecond')").format(value)
    cursor.execute(
        sql.SQL("SELECT {}").format(day_sql(context, before, found.sql_type)), {"ends": ends}
    )
    (day,) = cursor.fetchone() or (date.max,)
    return day  # type: ignore[no-any-return]


def night_of(on: date, run_id: UUID | None) -> dict[str, Json]:
    """Whose work it is, as the ledger writes it."""
    return {"on": on.isoformat(), "night": str(run_id) if run_id else None}
