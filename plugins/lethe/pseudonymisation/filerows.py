"""Rows of finished files into the table of the policy, with the ledger row that tells of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psycopg2

from lethe.connections import acting_as
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.policy.names import TableName
from lethe.pseudonymisation.key_life import LogRoom
from lethe.pseudonymisation.outcome import NOT_KEPT
from lethe.pseudonymisation.rawfiles import RawFile
from lethe.pseudonymisation.runs import RunReport
from lethe.pseudonymisation.sinks import write_files

# Of fewer lines some odd ones are no sign of another format.
_FEW: Final = 20


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


def unread_share(room: LogRoom, runs: Sequence[RunReport]) -> str | None:
    """Say so where no line of a file could be read, then or later, or of many less than half."""
    reasons = [item for run in runs for item in run.quarantined.items()]
    lines = sum(run.read for run in runs) - sum(n for why, n in reasons if why in NOT_KEPT)
    aside = sum(n for why, n in reasons if why not in NOT_KEPT)
    if not _too_many(aside, lines):
        return None
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/sum_reread"), {"runs": [run.source for run in runs]})
        (later,) = cursor.fetchone() or (0,)
    room.connection.rollback()
    if not _too_many(aside - later, lines):
        return None
    names = ", ".join(sorted({run.format for run in runs}))
    return (
        f"{aside - later} of {lines} lines could not be read as {names}: name their format, or mend"
        " what they need and read again what was set aside (lethe logs run --quarantine)"
    )


def _too_many(aside: int, lines: int) -> bool:
    return 0 < lines == aside or (lines >= _FEW and 2 * aside > lines)


def run_name(file: RawFile, report: RunReport, output: Path) -> str:
    """Name a run on the ledger; in an output of one's own it is another one."""
    if file.own:
        return report.source
    # One folder is told from another without saying where it is.
    return f"{report.source}/{hashlib.sha256(str(output.resolve()).encode()).hexdigest()[:8]}"


def is_recorded(room: LogRoom, kind: str, run: str) -> bool:
    """Say whether the ledger has a row of a kind about a run."""
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/find_ledger_rows"), {"kind": kind, "run": run})
        found = cursor.fetchone() is not None
    room.connection.rollback()
    return found
