"""A raw table, worked off in batches in the order of its key.

One transaction a batch: rows leave the raw table, their pseudonymised form enters the output table,
what could not be pseudonymised is sealed and set aside, and the ledger says how many of each. A
batch has happened as a whole or not at all.

Parquet files of a batch are finished beside the output before the commit, under the name of the
batch, and moved in behind it. A crash in between is settled by the ledger: files of a batch that it
knows are moved, the others are removed.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg2
from psycopg2 import errorcodes

from lethe.connections import acting_as
from lethe.errors import (
    VerificationError,
    WarehouseRefused,
    describe_database_error,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.pseudonymisation.key_life import LogRoom
from lethe.pseudonymisation.linkability import (
    Groups,
)
from lethe.pseudonymisation.outcome import by_day
from lethe.pseudonymisation.quarantine import unseal
from lethe.pseudonymisation.rows import (
    pseudonymise_rows,
    unpack_rows,
)
from lethe.pseudonymisation.rowsets import Aside, Ready, RowsDone, Taken, bound_to
from lethe.pseudonymisation.rowsin import RowsIn
from lethe.pseudonymisation.statements import Range, RawTable

if TYPE_CHECKING:
    pass

BATCH_ROWS: Final = 25_000
_AGAIN: Final = frozenset(
    {
        errorcodes.LOCK_NOT_AVAILABLE,
        errorcodes.DEADLOCK_DETECTED,
        errorcodes.SERIALIZATION_FAILURE,
        errorcodes.QUERY_CANCELED,
    }
)


def work_rows(
    room: LogRoom, name: str, part: Range, title: str, *, batch_rows: int = BATCH_ROWS
) -> RowsDone:
    """Pseudonymise what lies in a part of a raw table, and take it out of there.

    Raises  GuardStop where nothing may be destroyed; VerificationError for a leak in the output
    """
    room.require_destruction_allowed()
    with room.site.connected("runner") as connection:
        acting_as(connection, "runner")
        raw = RawTable(room.site.graph(connection), name, room.logs.sources[name], room.as_of)
        raw.check()
        connection.rollback()
        with closing(_Rows(room, connection, raw, part, title)) as rows:
            return rows.work(batch_rows)


def reread_rows(room: LogRoom, name: str) -> RowsDone:
    """Read again what was set aside of a raw table; what cannot be read stays as it is."""
    room.require_destruction_allowed()
    with room.site.connected("runner") as connection:
        acting_as(connection, "runner")
        raw = RawTable(room.site.graph(connection), name, room.logs.sources[name], room.as_of)
        raw.check()
        connection.rollback()
        with closing(_Rows(room, connection, raw, Range(), f"{name}: set aside")) as rows:
            return rows.reread()


class _Rows(RowsIn):
    """The work on one part of one raw table."""

    def work(self, size: int) -> RowsDone:
        """Work batch by batch until nothing is left or a limit stops it."""
        if self._staging is not None:
            self._staging.settle(self._is_known)
        attempts = self._room.site.loaded.policy.guards.batches.attempts
        failed, before = 0, 0
        while True:
            try:
                self._work_through(size)
                break
            except psycopg2.Error as error:
                failed = failed + 1 if self._done.batches == before else 1
                before = self._done.batches
                if error.pgcode not in _AGAIN or failed > attempts:
                    raise WarehouseRefused(
                        f"{self._done.title}: {describe_database_error(error)}; what was committed"
                        " stays, and the next run goes on from there. If rights are missing,"
                        " `lethe init` grants what the policy needs",
                        error.pgcode,
                    ) from None
                time.sleep(0.2 * 2**failed)
                # What was rolled back must not count twice; a smaller sample is judged harder.
                self._groups.close()
                self._groups = Groups(self._groups.columns)
        self._done.linkability = self._groups.score()
        if self._done.over_limit:
            self._record_refusal()
        self._count_spared()
        return self._done

    def _record_refusal(self) -> None:
        """Tell on the ledger that a limit stopped the part: nothing of the batch was written."""
        acting_as(self._connection, "runner")
        batch = EvidenceBatch(self._connection, self._room.run_id, self._room.witness)
        told = self._told(batch, 0, Counter())
        batch.add_rows([LedgerRow("log_written", told | {"within": False, "files": []})])
        batch.commit()

    def _work_through(self, size: int) -> None:
        """Work on three batches at once: one is read, one pseudonymised, one written.

        Each has a connection and a transaction of its own; they commit in their order.
        """
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
            putting: Future[None] | None = None
            coming: Future[Taken] | None = reader.submit(self._fetch, 0, self._after, size)
            try:
                while coming is not None:
                    taken = coming.result()
                    coming = None
                    if taken.bound is not None:
                        coming = reader.submit(self._fetch, taken.number + 1, taken.bound, size)
                    ready = self._prepare(taken)
                    if putting is not None:
                        putting.result()
                        putting = None
                    if self._done.over_limit:
                        return
                    if ready is not None:
                        putting = writer.submit(self._write, ready)
                if putting is not None:
                    putting.result()
                    putting = None
            finally:
                # Whatever is still under way comes to its end before its connection is let go.
                under_way: list[Future[Any]] = []
                under_way += [coming] if coming is not None else []
                under_way += [putting] if putting is not None else []
                wait(under_way)
                for connection in self._connections:
                    connection.rollback()

    def _fetch(self, number: int, after: tuple[str, ...] | None, size: int) -> Taken:
        connection = self._connections[number % len(self._connections)]
        self._begin(connection)
        bound = self._find_bound(connection, after, size)
        spare = self._is_guarded(connection)
        return Taken(number, connection, bound, self._take(connection, after, bound, spare=spare))

    def _prepare(self, taken: Taken) -> Ready | None:
        """Pseudonymise a batch, look for leaks, judge it; None where there is nothing to write."""
        frame = taken.frame
        if not len(frame):
            taken.connection.rollback()
            return None
        tables, rejected = pseudonymise_rows(self._batches, frame)
        days = by_day(self._without_leaks(tables, rejected))
        for table in days.values():
            self._groups.add(table)
        if self._is_over_limit(taken.number + 1, last=taken.bound is None):
            return None
        written = sum(table.num_rows for table in days.values())
        reasons = Counter({why: sum(map(len, rows)) for why, rows in rejected.items()})
        if len(frame) != written + reasons.total():
            raise VerificationError(
                f"{self._done.title}: {len(frame)} rows were read, {written} written and"
                f" {reasons.total()} set aside"
            )
        return Ready(taken, days, rejected, reasons)

    def _write(self, ready: Ready) -> None:
        taken = ready.taken
        connection, frame = taken.connection, taken.frame
        batch = EvidenceBatch(connection, self._room.run_id, self._room.witness)
        self._set_aside(connection, frame, ready.rejected, self._tonight())
        told = self._told(batch, len(frame), ready.reasons)
        self._put(connection, batch, ready.days, "log_written", told)
        self._after = taken.bound
        self._done.read += len(frame)
        self._done.written += len(frame) - ready.reasons.total()
        self._done.quarantined += ready.reasons
        self._done.batches += 1

    def reread(self) -> RowsDone:
        """Read everything that was set aside once more, a transaction for each sealed piece."""
        while (aside := self._claim()) is not None:
            self._made.append(str(aside.number))
            frame = unpack_rows(unseal(aside.key, aside.sealed, bound_to(aside)))
            tables, rejected = pseudonymise_rows(self._batches, frame)
            days = by_day(self._without_leaks(tables, rejected))
            reasons = Counter({why: sum(map(len, rows)) for why, rows in rejected.items()})
            self._done.read += len(frame)
            self._done.quarantined += reasons
            if reasons.total() == len(frame):
                self._connection.rollback()
                continue
            self._done.written += len(frame) - reasons.total()
            batch = EvidenceBatch(self._connection, self._room.run_id, self._room.witness)
            self._set_aside(self._connection, frame, rejected, aside)
            with self._connection.cursor() as cursor:
                cursor.execute(statement("logs/forget_aside"), {"aside_id": str(aside.number)})
            self._put(
                self._connection, batch, days, "log_reread", self._told(batch, len(frame), reasons)
            )
        return self._done

    def _claim(self) -> Aside | None:
        self._begin(self._connection)
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("logs/claim_aside"), {"source": self._raw.title, "not_these": self._made}
            )
            row = cursor.fetchone()
        if row is None:
            self._connection.rollback()
            return None
        number, month, sealed, on, ends_on = row
        key = self._keys.quarantine_key(str(month))
        return Aside(str(month), key, on, ends_on, UUID(str(number)), bytes(sealed))
