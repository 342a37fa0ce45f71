"""Whoever erases the due accounts of the shop: Lethe, and what people write by hand."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from lethe.catalogue.site import Site
from lethe.erasure import eraser as eraser_room
from lethe.erasure.grants import needed_grants
from lethe.erasure.partitions import drop_functions
from lethe.evidence.initialise import arm, initialise
from lethe.evidence.witness_opening import begin_witness
from lethe.retention.night_close import close_night
from lethe.retention.night_guard import guard_night, settle_night
from lethe.retention.night_work import erase_rule, verify_night
from lethe.retention.plan import freeze_plan, read_plan
from psycopg2 import extensions
from psycopg2.extras import execute_values

from benchmarks.server import server_cpu
from benchmarks.shop import AS_OF, LAST_DUE, PARENTS, POLICY, ROWS, RULE, references

BATCH = 500
"""Accounts a batch of whoever works by hand; also the policy's upper limit for Lethe."""


@dataclass(slots=True)
class Erasure:
    """What a contender did.

    execution_s  erasing alone; freezing or selecting the due came before
    planning_s   finding whom to erase
    closing_s    what came after: reading back, sums, seal
    transactions duration of every erasing transaction, in seconds
    cpu_s        processor time of execution, client and server together: steadier than the clock
                 on a machine that others use too
    """

    contender: str
    subjects: int = 0
    rows: int = 0
    execution_s: float = 0.0
    planning_s: float = 0.0
    closing_s: float = 0.0
    transactions: list[float] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def rate(self) -> float:
        """Rows a second, erasing alone."""
        return self.rows / self.execution_s

    @property
    def rate_planned(self) -> float:
        """Rows a second, with finding whom to erase."""
        return self.rows / (self.execution_s + self.planning_s)

    @property
    def rate_whole(self) -> float:
        """Rows a second of the whole night."""
        return self.rows / (self.execution_s + self.planning_s + self.closing_s)


Contender = Callable[[str], Erasure]
"""Gets the DSN of a copy of its own, and erases the due accounts there."""


@contextmanager
def executing(done: Erasure) -> Iterator[None]:
    """Measure the execution of an erasure: by the clock, and in processor time."""
    started, cpu = time.perf_counter(), time.process_time() + server_cpu()
    try:
        yield
    finally:
        done.execution_s = time.perf_counter() - started
        done.cpu_s = time.process_time() + server_cpu() - cpu


# Lethe ---------------------------------------------------------------------------------------


def set_up_lethe(dsn: str, home: Path, policy: Path = POLICY) -> Site:
    """Set Lethe up in a copy, as `lethe init --rehearsal --arm` does."""
    os.environ["LETHE_HOME"] = str(home)
    secret = base64.b64encode(b"a key of the benchmark, 32 bytes").decode()
    os.environ["AIRFLOW_CONN_LETHE_KEYS"] = json.dumps({"conn_type": "generic", "password": secret})
    site = Site.at(dsn, str(policy))
    with site.connected("owner") as connection:
        grants = needed_grants(site.graph(connection))
        functions = drop_functions(site.graph(connection))
        initialise(connection, rehearsal=True, grants=grants, functions=functions)
        arm(connection, "benchmark")
    with site.connected("runner") as connection:
        named = site.loaded.policy.evidence.witness
        begin_witness(connection, named.kind, named.location)
    return site


def erase_with_lethe(
    site: Site, meanwhile: Callable[[], Any] = lambda: None, *, workers: int | None = None
) -> Erasure:
    """Run a night where Lethe is set up already.

    meanwhile  called after the freeze, before the first batch
    workers    on the same frozen set, each with a connection of its own; None: as it comes
    """
    done = Erasure("Lethe, as it comes" if workers is None else "Lethe, one worker")
    settle_night(site, AS_OF)
    started = time.perf_counter()
    run_id = freeze_plan(site, AS_OF)
    guard_night(site, run_id)
    done.planning_s = time.perf_counter() - started
    meanwhile()
    with _timed_batches(done.transactions), executing(done):
        erase_rule(site, run_id, RULE, workers=workers)
    started = time.perf_counter()
    verified = verify_night(site, run_id)
    run = close_night(site, run_id, verified)
    done.closing_s = time.perf_counter() - started
    rule = run.summary["rules"][0]
    done.subjects = rule["erased"]
    done.rows = sum(table["deleted"] for table in rule["tables"].values())
    return done


@contextmanager
def _timed_batches(durations: list[float]) -> Iterator[None]:
    """Note how long each transaction of the eraser was open, from its first statement on."""
    inner = eraser_room.Transaction
    enter, leave = inner.__enter__, inner.__exit__
    begun: dict[int, float] = {}

    def timed_enter(self: Any) -> extensions.cursor:
        begun[threading.get_ident()] = time.perf_counter()
        return enter(self)

    def timed_leave(self: Any, *arguments: object) -> None:
        leave(self, *arguments)
        durations.append(time.perf_counter() - begun.pop(threading.get_ident()))

    inner.__enter__, inner.__exit__ = timed_enter, timed_leave  # type: ignore[method-assign]
    try:
        yield
    finally:
        inner.__enter__, inner.__exit__ = enter, leave  # type: ignore[method-assign]


def plan_with_lethe(site: Site) -> tuple[float, int]:
    """Read tonight's plan aloud; gives seconds and the accounts that were judged."""
    started = time.perf_counter()
    plan = read_plan(site, AS_OF)
    took = time.perf_counter() - started
    return took, sum(plan.rules[0].counts.values())


# By hand -------------------------------------------------------------------------------------

_DUE = """
SELECT s.account_id FROM shop.service AS s JOIN shop.account AS a USING (account_id)
WHERE NOT a.restricted
GROUP BY s.account_id
HAVING bool_and(s.ended_on IS NOT NULL) AND max(s.ended_on) <= %s
"""
SELECT_DUE = f"{_DUE} ORDER BY s.account_id"
"""By key: the rows of a batch lie side by side, which makes batches by hand twice as fast."""
SELECT_OLDEST = f"{_DUE} ORDER BY max(s.ended_on), s.account_id"
EVIDENCE = """
CREATE TABLE shop.erased (
    account_id bigint PRIMARY KEY, erased_at timestamptz NOT NULL DEFAULT now(),
    rows jsonb NOT NULL)
"""


def _order() -> list[str]:
    """Children first."""
    children = [table for table in ROWS if table != "account"]
    return [*PARENTS, *(table for table in children if table not in PARENTS), "account"]


def _delete_counted(table: str) -> str:
    """Delete a table's rows of some accounts; gives account and rows."""
    if table in PARENTS:
        parent = PARENTS[table]
        return (
            f"WITH gone AS (DELETE FROM shop.{table} AS t USING shop.{parent} AS p"
            f" WHERE p.{parent}_id = t.{parent}_id AND p.account_id = ANY(%s)"
            " RETURNING p.account_id) SELECT account_id, count(*) FROM gone GROUP BY 1"
        )
    return (
        f"WITH gone AS (DELETE FROM shop.{table} WHERE account_id = ANY(%s)"
        " RETURNING account_id) SELECT account_id, count(*) FROM gone GROUP BY 1"
    )


def oldest_in_batches(dsn: str) -> Erasure:
    """The same, oldest first from batch to batch."""
    done = in_batches(dsn, SELECT_OLDEST)
    done.contender = "batched deletes by hand, oldest first"
    return done


def in_batches(dsn: str, select: str = SELECT_DUE, size: int = BATCH) -> Erasure:
    """Delete batch by batch, keys as an array, with one row of evidence a subject."""
    done = Erasure("batched deletes by hand, by key")
    statements = [(table, _delete_counted(table)) for table in _order()]
    with closing(psycopg2.connect(dsn)) as connection:
        cursor = connection.cursor()
        cursor.execute(EVIDENCE)
        connection.commit()
        started = time.perf_counter()
        cursor.execute(select, (LAST_DUE,))
        due = [row[0] for row in cursor.fetchall()]
        connection.commit()
        done.planning_s = time.perf_counter() - started
        with executing(done):
            for at in range(0, len(due), size):
                begun = time.perf_counter()
                counts: dict[int, dict[str, int]] = {key: {} for key in due[at : at + size]}
                for table, statement in statements:
                    cursor.execute(statement, (list(counts),))
                    for key, rows in cursor.fetchall():
                        counts[key][table] = rows
                        done.rows += rows
                execute_values(
                    cursor,
                    "INSERT INTO shop.erased (account_id, rows) VALUES %s",
                    [(key, json.dumps(rows)) for key, rows in counts.items()],
                    page_size=size,
                )
                connection.commit()
                done.transactions.append(time.perf_counter() - begun)
        done.subjects = len(due)
    return done


def at_once(dsn: str) -> Erasure:
    """Delete everything in one transaction, table by table."""
    done = Erasure("one transaction, set-based")
    with closing(psycopg2.connect(dsn)) as connection:
        cursor = connection.cursor()
        started = time.perf_counter()
        cursor.execute(f"CREATE TEMPORARY TABLE due ON COMMIT DROP AS {SELECT_DUE}", (LAST_DUE,))
        done.subjects = cursor.rowcount
        cursor.execute("ANALYZE due")
        done.planning_s = time.perf_counter() - started
        with executing(done):
            for table in _order():
                if table in PARENTS:
                    parent = PARENTS[table]
                    cursor.execute(
                        f"DELETE FROM shop.{table} AS t USING shop.{parent} AS p, due"
                        f" WHERE p.{parent}_id = t.{parent}_id AND p.account_id = due.account_id"
                    )
                else:
                    cursor.execute(
                        f"DELETE FROM shop.{table} AS t USING due"
                        " WHERE t.account_id = due.account_id"
                    )
                done.rows += cursor.rowcount
            connection.commit()
    done.transactions.append(done.execution_s + done.planning_s)
    return done


def make_cascading(dsn: str) -> None:
    """Turn every reference into one that cascades; the rows need no check again."""
    with closing(psycopg2.connect(dsn)) as connection:
        with connection.cursor() as cursor:
            for child, column, parent in references():
                cursor.execute(
                    f"ALTER TABLE shop.{child} DROP CONSTRAINT {child}_{column}_fkey,"
                    f" ADD CONSTRAINT {child}_{column}_fkey FOREIGN KEY ({column})"
                    f" REFERENCES shop.{parent} ON DELETE CASCADE NOT VALID"
                )
        connection.commit()


def by_cascade(dsn: str) -> Erasure:
    """Delete the accounts in one statement and let the foreign keys do the rest."""
    done = Erasure("ON DELETE CASCADE")
    with closing(psycopg2.connect(dsn)) as connection:
        cursor = connection.cursor()
        started = time.perf_counter()
        cursor.execute(f"CREATE TEMPORARY TABLE due ON COMMIT DROP AS {SELECT_DUE}", (LAST_DUE,))
        cursor.execute("ANALYZE due")
        done.planning_s = time.perf_counter() - started
        with executing(done):
            cursor.execute(
                "DELETE FROM shop.account AS t USING due WHERE t.account_id = due.account_id"
            )
            done.subjects = cursor.rowcount
            connection.commit()
    done.rows = done.subjects * sum(ROWS.values())
    done.transactions.append(done.execution_s + done.planning_s)
    return done
