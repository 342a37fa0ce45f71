"""End the life of ledger rows about single subjects; their leaves stay, and every seal verifies."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import psycopg2
from psycopg2 import errorcodes, extensions

from lethe.connections import acting_as
from lethe.errors import ConfigurationError, WarehouseRefused, describe_database_error
from lethe.evidence.canonical import LedgerTuple, commit_to
from lethe.evidence.copying import Field, copy_lines, write_field
from lethe.evidence.ledger import LedgerRow, append_rows, close_batch
from lethe.evidence.seal import hash_row, read_in_pages
from lethe.include import statement


def expire_ledger_rows(connection: extensions.connection, before: datetime) -> int:
    """Remove sealed rows about single subjects older than `before`, and commit.

    connection  of the owner, who alone may lift the trigger, for this one transaction
    before      now less the policy's period for such rows
    Returns     how many; each leaves its leaf, and the act leaves a ledger row
    """
    connection.rollback()
    try:
        acting_as(connection, "owner")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE lethe.ledger DISABLE TRIGGER refuse_change")
            kept = copy_lines(
                connection,
                "evidence/copy_expired",
                [
                    "\t".join(map(write_field, _what_stays(row)))
                    for row in read_in_pages(
                        connection, "evidence/read_expiring_rows", {"before": before}
                    )
                ],
            )
            cursor.execute(statement("evidence/delete_expired"))
            cursor.execute("ALTER TABLE lethe.ledger ENABLE ALWAYS TRIGGER refuse_change")
        if kept:
            batch = uuid4()
            row = LedgerRow("ledger_rows_expired", {"rows": kept, "before": before.isoformat()})
            close_batch(connection, batch, None, append_rows(connection, batch, None, [row]))
        connection.commit()
    except psycopg2.Error as error:
        connection.rollback()
        if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
            raise ConfigurationError(
                "only the owner of Lethe's schema may end ledger rows: use the connection "
                "'lethe_owner'"
            ) from None
        raise WarehouseRefused(
            f"ledger rows were not ended: {describe_database_error(error)}", error.pgcode
        ) from None
    return kept


def _what_stays(row: LedgerTuple) -> tuple[Field, ...]:
    """Of a blinded row what its leaf is over; of one that was written without, its leaf alone."""
    commitment = commit_to(row)
    number, batch, run_id, at, kind = row[:5]
    if commitment is None:
        return number, batch, hash_row(row), at, None, None, None
    return number, batch, hash_row(row), at, run_id, kind, commitment
