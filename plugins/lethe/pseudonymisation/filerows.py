"""Rows of finished files into the table of the policy, with the ledger row that tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg2

from lethe.connections import acting_as
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.policy.names import TableName
from lethe.pseudonymisation.key_life import LogRoom
from lethe.pseudonymisation.rawfiles import RawFile
from lethe.pseudonymisation.runs import RunReport
from lethe.pseudonymisation.sinks import write_files


def record_files(
    room: LogRoom, file: RawFile, row: LedgerRow, table: TableName | None, parts: Sequence[Path]
) -> None:
    """Put a run on the ledger, and its rows into the table if there is one.

    Both in one transaction: rows are there exactly once, however often this is tried.

    Raises  WarehouseRefused where the warehouse does not take them
    """
    acting_as(room.connection, "runner")
    try:
        if table is not None:
            write_files(room.connection, table, parts)
        room.add(row)
    except psycopg2.Error as error:
        room.connection.rollback()
        raise WarehouseRefused(
            f"{file.title}: the rows could not be written to the warehouse:"
            f" {describe_database_error(error)}",
            error.pgcode,
        ) from None


def told_files(report: RunReport) -> list[dict[str, Any]]:
    """What the ledger says of the files of a run."""
    return [
        {"name": part.name, "rows": part.rows, "bytes": part.octets, "sha256": part.digest}
        for part in report.files
    ]


def is_recorded(room: LogRoom, kind: str, run: str) -> bool:
    """Say whether the ledger has a row of a kind about a run."""
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/find_ledger_rows"), {"kind": kind, "run": run})
        found = cursor.fetchone() is not None
    room.connection.rollback()
    return found
