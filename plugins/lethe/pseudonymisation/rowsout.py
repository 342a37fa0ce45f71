"""Rows out of a raw table: which are next, which stay, taken and deleted in one statement."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from psycopg2 import errorcodes, extensions

from lethe.catalogue.fragments import Values
from lethe.connections import acting_as
from lethe.erasure.prepared import may_swallow
from lethe.errors import (
    VerificationError,
)
from lethe.include import home_folder, statement
from lethe.keys import month_of
from lethe.pseudonymisation.batch import Batches
from lethe.pseudonymisation.key_life import LogKeys, LogRoom
from lethe.pseudonymisation.linkability import (
    Groups,
    quasi_identifiers,
)
from lethe.pseudonymisation.plan import plan_source
from lethe.pseudonymisation.rowsets import RowsDone
from lethe.pseudonymisation.sinks import OutputTable
from lethe.pseudonymisation.staging import Staging
from lethe.pseudonymisation.statements import Range, RawTable

if TYPE_CHECKING:
    import polars as pl

BATCH_ROWS: Final = 25_000

_AGAIN: Final = frozenset(
    {
        errorcodes.LOCK_NOT_AVAILABLE,
        errorcodes.DEADLOCK_DETECTED,
        errorcodes.SERIALIZATION_FAILURE,
        errorcodes.QUERY_CANCELED,
    }
)


class RowsOut:
    """The reading side of the work on one part of one raw table."""

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
        self._may_swallow = may_swallow(raw.graph, raw.table)

    def close(self) -> None:
        self._groups.close()
        for connection in self._connections[1:]:
            connection.close()
        if self._staging is not None:
            self._staging.let_go()

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
            values,
            self._part,
            after=after is not None,
            bound=bound is not None,
            spare=spare,
            counted=self._may_swallow,
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
        frame = pl.read_csv(
            out,
            has_header=False,
            schema=dict.fromkeys(self._source.columns, pl.String),
            null_values="\\N",
            empty_string_is_null=False,
            raise_if_empty=False,
        )
        return self._all_of(frame) if self._may_swallow else frame

    def _all_of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the rows in front of their number, if they are so many."""
        there, frame = int(frame[-1, 0]), frame[:-1]
        if len(frame) != there:
            raise VerificationError(
                f"{self._done.title}: of {there} rows of {self._raw.table} {len(frame)} could be"
                " taken out: a trigger of the table keeps the others. Nothing of the batch was"
                " committed; take the trigger away for the night, or let it pass Lethe's role"
            )
        return frame

    @staticmethod
    def _numbered(name: str, key: tuple[str, ...] | None) -> dict[str, str]:
        return {f"{name}{number}": part for number, part in enumerate(key or ())}

    def _count_spared(self) -> None:
        self._begin(self._connection)
        if self._is_guarded(self._connection):
            values = Values()
            text = self._raw.count_spared(values, self._part)
            with self._connection.cursor() as cursor:
                cursor.execute(text, values.bound)
                self._done.spared = int((cursor.fetchone() or (0,))[0])
        self._connection.rollback()
