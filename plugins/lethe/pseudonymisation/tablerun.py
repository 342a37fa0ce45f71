"""A raw table, worked off in batches in the order of its key.

One transaction a batch: rows leave the raw table, their pseudonymised form enters the output table,
what could not be pseudonymised is sealed and set aside, and the ledger says how many of each. A
batch has happened as a whole or not at all.

Parquet files of a batch are finished beside the output before the commit, under the name of the
batch, and moved in behind it. A crash in between is settled by the ledger: files of a batch that it
knows are moved, the others are removed.
"""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import numpy as np
import psycopg2
from psycopg2 import errorcodes, extensions

from lethe.catalogue.fragments import Values
from lethe.connections import acting_as
from lethe.errors import (
    VerificationError,
    WarehouseRefused,
    describe_database_error,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.include import home_folder, statement
from lethe.keys import month_of
from lethe.policy.periods import end_of
from lethe.pseudonymisation.batch import LEAK, NOT_KEPT, Batches, by_day
from lethe.pseudonymisation.key_life import LogKeys, LogRoom
from lethe.pseudonymisation.leakscan import find_lines
from lethe.pseudonymisation.linkability import (
    Groups,
    Linkability,
    over_limits,
    quasi_identifiers,
)
from lethe.pseudonymisation.plan import plan_source
from lethe.pseudonymisation.quarantine import seal, unseal
from lethe.pseudonymisation.rows import (
    address_columns,
    pack_rows,
    pseudonymise_rows,
    unpack_rows,
)
from lethe.pseudonymisation.sinks import OutputTable
from lethe.pseudonymisation.staging import Staging
from lethe.pseudonymisation.statements import Range, RawTable

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

BATCH_ROWS: Final = 25_000
_AGAIN: Final = frozenset(
    {
        errorcodes.LOCK_NOT_AVAILABLE,
        errorcodes.DEADLOCK_DETECTED,
        errorcodes.SERIALIZATION_FAILURE,
        errorcodes.QUERY_CANCELED,
    }
)


@dataclass(slots=True)
class RowsDone:
    """What became of the rows of a raw table, or of a part of it.

    spared      rows that stay because a hold or a restriction is on them
    over_limit  limits of the policy that the output does not keep: the last batch was not taken
    """

    source: str
    title: str
    read: int = 0
    written: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    spared: int = 0
    batches: int = 0
    linkability: Linkability | None = None
    over_limit: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "source": self.source,
            "file": self.title,
            "format": "columns",
            "read": self.read,
            "written": self.written,
            "quarantined": dict(sorted(self.quarantined.items())),
            "spared": self.spared,
            "batches": self.batches,
            "repeated": False,
            "raw_destroyed": not self.over_limit,
            "linkability": asdict(self.linkability) if self.linkability else None,
            "over_limit": list(self.over_limit),
            "fault": None,
        }


@dataclass(frozen=True, slots=True)
class _Aside:
    """How rows are set aside: under which month's key, since when, until when."""

    month: str
    key: bytes = field(repr=False)
    on: date
    ends_on: date
    number: UUID | None = None
    sealed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A batch that was read and deleted, in a transaction that is still open."""

    number: int
    connection: extensions.connection
    bound: tuple[str, ...] | None
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Ready:
    """A batch that was pseudonymised and may be written."""

    taken: _Taken
    days: dict[str, pa.Table]
    rejected: dict[str, list[Any]]
    reasons: Counter[str]


def _bound(aside: _Aside) -> bytes:
    return aside.number.bytes if aside.number else b""


def find_months(room: LogRoom, name: str) -> list[Range]:
    """Divide a raw table into months, so that they can be worked on side by side.

    Returns  nothing for an empty table; the first part is open to the past, the last one to the
             future
    """
    source = room.logs.sources[name]
    with room.site.connected("runner") as connection:
        acting_as(connection, "runner")
        raw = RawTable(room.site.graph(connection), name, source, room.as_of)
        raw.check()
        if source.time is None:
            return [Range()]
        with connection.cursor() as cursor:
            cursor.execute(raw.find_months())
            oldest, newest, any_row = cursor.fetchone() or (None, None, False)
        connection.rollback()
    if not any_row:
        return []
    if oldest is None:
        return [Range()]
    # A clock that was not set must not make a thousand parts.
    last = min(newest, room.as_of.replace(day=1))
    first = max(oldest, last.replace(year=last.year - 3))
    starts = [first]
    while starts[-1] < last:
        year, month = divmod(starts[-1].year * 12 + starts[-1].month, 12)
        starts.append(starts[-1].replace(year=year, month=month + 1))
    inner = [day.isoformat() for day in starts[1:]]
    return [
        Range(since, until) for since, until in zip([None, *inner], [*inner, None], strict=True)
    ]


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


class _Rows:
    """The work on one part of one raw table."""

    def __init__(
        self,
        room: LogRoom,
        connection: extensions.connection,
        raw: RawTable,
        part: Range,
        title: str,
    ) -> None:
        self._room, self._connection, self._raw, self._part = room, connection, raw, part
        self._source = raw.source
        self._keys = LogKeys(room)
        self._quarantine_key = self._keys.quarantine_key()
        period = month_of(room.as_of)
        secret = self._keys.secret(period)
        if isinstance(secret, str):
            raise VerificationError(f"rows without a time have no key: {period} is {secret}")
        self.plan = plan_source(
            raw.source,
            "columns",
            undated_period=period,
            undated_secret=secret,
            quarantine_key=self._quarantine_key,
            fields=tuple(raw.source.columns),
        )
        self._batches = Batches(self.plan, self._keys.secret)
        names = self._batches.schema.names
        chosen = quasi_identifiers(names, raw.source.fields, room.logs.quasi_identifiers)
        self._groups = Groups(chosen)
        self._table = None
        if raw.source.output_table is not None:
            acting_as(connection, "runner")
            self._table = OutputTable(connection, raw.source.output_table, names)
            connection.rollback()
        # A table that the policy names is enough, unless it names a folder too.
        wanted = self._table is None or "output" in raw.source.model_fields_set
        output = home_folder() / raw.source.output
        self._staging = Staging(output, raw.title) if wanted else None
        self._done = RowsDone(raw.title, title)
        self._after: tuple[str, ...] | None = None
        self._connections = [connection, *(room.site.connect("runner") for _ in range(2))]
        self._made: list[str] = []
        self._kinds = {kind.name for kind, _ in raw.guarded_kinds()}

    def close(self) -> None:
        self._groups.close()
        for connection in self._connections[1:]:
            connection.close()
        if self._staging is not None:
            self._staging.let_go()

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
        self._count_spared()
        return self._done

    def _work_through(self, size: int) -> None:
        """Work on three batches at once: one is read, one pseudonymised, one written.

        Each has a connection and a transaction of its own; they commit in their order.
        """
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
            putting: Future[None] | None = None
            coming: Future[_Taken] | None = reader.submit(self._fetch, 0, self._after, size)
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

    def _fetch(self, number: int, after: tuple[str, ...] | None, size: int) -> _Taken:
        connection = self._connections[number % len(self._connections)]
        self._begin(connection)
        bound = self._find_bound(connection, after, size)
        spare = self._is_guarded(connection)
        return _Taken(number, connection, bound, self._take(connection, after, bound, spare=spare))

    def _prepare(self, taken: _Taken) -> _Ready | None:
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
        return _Ready(taken, days, rejected, reasons)

    def _write(self, ready: _Ready) -> None:
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

    def _begin(self, connection: extensions.connection) -> None:
        acting_as(connection, "runner")
        manners = self._room.site.loaded.policy.guards.batches
        with connection.cursor() as cursor:
            cursor.execute(
                statement("logs/set_manners"),
                {"lock": str(manners.lock_timeout_ms), "statement": "120000"},
            )
            cursor.execute(statement("guards/lock_holds_shared"))

    def _find_bound(
        self, connection: extensions.connection, after: tuple[str, ...] | None, size: int
    ) -> tuple[str, ...] | None:
        values = Values()
        text = self._raw.find_bound(values, self._part, size, after is not None)
        with connection.cursor() as cursor:
            cursor.execute(text, {**values.bound, **self._numbered("after", after)})
            row = cursor.fetchone()
        return None if row is None else tuple(str(part) for part in row)

    def _is_guarded(self, connection: extensions.connection) -> bool:
        """Whether a hold or a restriction could be on a row."""
        kinds = self._kinds
        guards = self._room.site.loaded.policy.guards
        if any(
            mark.subject in kinds
            for mark in (*guards.holds.values(), *guards.restrictions.values())
        ):
            return True
        with connection.cursor() as cursor:
            cursor.execute(statement("logs/find_guards"), {"kinds": sorted(kinds)})
            return bool((cursor.fetchone() or (False,))[0])

    def _take(
        self,
        connection: extensions.connection,
        after: tuple[str, ...] | None,
        bound: tuple[str, ...] | None,
        *,
        spare: bool,
    ) -> pl.DataFrame:
        import polars as pl

        values = Values()
        text = self._raw.take_rows(
            values, self._part, after=after is not None, bound=bound is not None, spare=spare
        )
        given = {
            **values.bound,
            **self._numbered("after", after),
            **self._numbered("bound", bound),
        }
        out = io.BytesIO()
        with connection.cursor() as cursor:
            cursor.copy_expert(cursor.mogrify(text, given).decode(), out, size=1 << 18)
        if not out.tell():
            return pl.DataFrame(schema=dict.fromkeys(self._source.columns, pl.String))
        out.seek(0)
        return pl.read_csv(
            out,
            has_header=False,
            schema=dict.fromkeys(self._source.columns, pl.String),
            null_values="\\N",
            empty_string_is_null=False,
            raise_if_empty=False,
        )

    @staticmethod
    def _numbered(name: str, key: tuple[str, ...] | None) -> dict[str, str]:
        return {f"{name}{number}": part for number, part in enumerate(key or ())}

    def _without_leaks(
        self, tables: list[tuple[pa.Table, Any]], rejected: dict[str, list[Any]]
    ) -> list[tuple[pa.Table, Any]]:
        """Set the rows aside in whose output something personal is found by another hand.

        Raises  VerificationError where they are so many that no single row is at fault
        """
        import pyarrow as pa

        skip = address_columns(self.plan)
        found = find_lines(self._done.title, [table for table, _ in tables], skip)
        if found.too_many:
            raise VerificationError(f"{self._done.title}: {found}")
        if not found.numbers:
            return tables
        clean = []
        for table, days in tables:
            numbers = table["line"].to_numpy()
            leaky = np.isin(numbers, sorted(found.numbers))
            rejected.setdefault(LEAK, []).append(numbers[leaky] - 1)
            if not leaky.all():
                clean.append((table.filter(pa.array(~leaky)), days[~leaky]))
        return clean

    def _is_over_limit(self, number: int, *, last: bool) -> bool:
        """Judge the first, second, fourth, eighth … batch, and the last one."""
        if not last and number & (number - 1):
            return False
        score = self._groups.score()
        self._done.linkability = score
        self._done.over_limit = over_limits(score, self._room.logs)
        return bool(self._done.over_limit)

    def _put(
        self,
        connection: extensions.connection,
        batch: EvidenceBatch,
        days: dict[str, pa.Table],
        kind: str,
        told: dict[str, Any],
    ) -> None:
        """Write rows where they belong, with their ledger row, and commit."""
        if self._table is not None:
            for table in days.values():
                self._table.write(table, connection)
        files = self._staging.stage(str(batch.batch), days) if self._staging else []
        batch.add_rows([LedgerRow(kind, told | {"files": files})])
        batch.commit()
        if self._staging is not None:
            self._staging.move_in(str(batch.batch))

    def _tonight(self) -> _Aside:
        return _Aside(
            month_of(self._room.as_of),
            self._quarantine_key,
            self._room.as_of,
            end_of(self._room.as_of, self._source.quarantine),
        )

    def _set_aside(
        self,
        connection: extensions.connection,
        frame: pl.DataFrame,
        rejected: dict[str, list[Any]],
        aside: _Aside,
    ) -> None:
        kept = {why: np.concatenate(rows) for why, rows in rejected.items() if why not in NOT_KEPT}
        if not kept:
            return
        number = uuid4()
        self._made.append(str(number))
        values = {
            "aside_id": str(number),
            "source": self._raw.title,
            "reasons": json.dumps({why: len(rows) for why, rows in kept.items()}),
            "row_count": sum(len(rows) for rows in kept.values()),
            "key_period": aside.month,
            "sealed": seal(aside.key, pack_rows(frame, kept), number.bytes),
            "aside_on": aside.on,
            "ends_on": aside.ends_on,
        }
        with connection.cursor() as cursor:
            cursor.execute(statement("logs/add_aside"), values)

    def reread(self) -> RowsDone:
        """Read everything that was set aside once more, a transaction for each sealed piece."""
        while (aside := self._claim()) is not None:
            self._made.append(str(aside.number))
            frame = unpack_rows(unseal(aside.key, aside.sealed, _bound(aside)))
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

    def _claim(self) -> _Aside | None:
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
        return _Aside(str(month), key, on, ends_on, UUID(str(number)), bytes(sealed))

    def _told(self, batch: EvidenceBatch, read: int, reasons: Counter[str]) -> dict[str, Any]:
        score = self._done.linkability
        return {
            "run": str(batch.batch),
            "source": self._raw.title,
            "table": str(self._source.output_table) if self._table else None,
            "raw_table": str(self._raw.table),
            "format": "columns",
            "read": read,
            "written": read - reasons.total(),
            "quarantined": dict(sorted(reasons.items())),
            "raw_destroyed": read,
            "unique_share": round(score.unique_share, 6) if score else None,
            "smallest_group": score.smallest_group if score else None,
            "within": True,
        }

    def _is_known(self, batch: str) -> bool:
        acting_as(self._connection, "runner")
        with self._connection.cursor() as cursor:
            cursor.execute(statement("logs/find_batch"), {"batch": batch})
            found = cursor.fetchone() is not None
        self._connection.rollback()
        return found

    def _count_spared(self) -> None:
        self._begin(self._connection)
        if self._is_guarded(self._connection):
            values = Values()
            text = self._raw.count_spared(values, self._part)
            with self._connection.cursor() as cursor:
                cursor.execute(text, values.bound)
                self._done.spared = int((cursor.fetchone() or (0,))[0])
        self._connection.rollback()
