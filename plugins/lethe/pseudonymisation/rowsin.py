"""Rows into the output: judged, written with their ledger row, or sealed and set aside."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import numpy as np
from psycopg2 import errorcodes, extensions

from lethe.connections import acting_as
from lethe.errors import (
    VerificationError,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.keys import month_of
from lethe.policy.periods import end_of
from lethe.pseudonymisation.leakscan import find_lines
from lethe.pseudonymisation.linkability import (
    over_limits,
)
from lethe.pseudonymisation.outcome import LEAK, NOT_KEPT
from lethe.pseudonymisation.quarantine import seal
from lethe.pseudonymisation.rows import (
    address_columns,
    pack_rows,
)
from lethe.pseudonymisation.rowsets import Aside
from lethe.pseudonymisation.rowsout import RowsOut

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


class RowsIn(RowsOut):
    """The writing side of the work on one part of one raw table."""

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

    def _tonight(self) -> Aside:
        return Aside(
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
        aside: Aside,
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
