"""Why a batch was rolled back, and whether another attempt may do better."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg2
from psycopg2 import errorcodes, extensions

from lethe.errors import WarehouseRefused, WarehouseUnreachable, describe_database_error

_TRANSIENT = frozenset(
    {
        errorcodes.DEADLOCK_DETECTED,
        errorcodes.SERIALIZATION_FAILURE,
        errorcodes.LOCK_NOT_AVAILABLE,
        errorcodes.QUERY_CANCELED,
        # A row may have come between: the next attempt meets it.
        errorcodes.FOREIGN_KEY_VIOLATION,
        errorcodes.RESTRICT_VIOLATION,
    }
)
_REFERENCED = (errorcodes.FOREIGN_KEY_VIOLATION, errorcodes.RESTRICT_VIOLATION)
"""The second of ON DELETE RESTRICT, since PostgreSQL 18."""
_FATAL_CLASSES = ("08", "28", "3D", "42", "53", "57P", "58", "F0", "XX")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a batch was rolled back, in words without values.

    may_pass  the same subjects may be tried again as they are
    """

    reason: str
    sqlstate: str | None = None
    may_pass: bool = True

    @property
    def is_about_rows(self) -> bool:
        """Other rows were met than had been looked at: look thoroughly."""
        return self.sqlstate in (None, *_REFERENCED)

    @property
    def is_locked(self) -> bool:
        """Somebody else holds a row."""
        return self.sqlstate == errorcodes.LOCK_NOT_AVAILABLE

    @property
    def is_fatal(self) -> bool:
        """Its code says that the server is at fault; a function of the warehouse may raise it."""
        return (self.sqlstate or "").startswith(_FATAL_CLASSES)


def roll_back(connection: extensions.connection, error: psycopg2.Error, rule: str) -> Failure:
    """Roll a batch back that the database refused.

    Raises  WarehouseUnreachable, WarehouseRefused for what no other batch would do better
    """
    # What a function of the warehouse raises, whatever its code, is about single rows.
    raised = bool(error.diag.context)
    broke = (error.pgcode or "08").startswith(("57P", "08")) and not raised
    if connection.closed or broke:
        raise WarehouseUnreachable(
            "the connection to the warehouse broke in the middle of a batch; the batch was "
            "rolled back, and running again goes on from there"
        ) from None
    connection.rollback()
    told = describe_database_error(error)
    failure = Failure(told, error.pgcode, error.pgcode in _TRANSIENT)
    if failure.is_fatal and not raised:
        raise WarehouseRefused(
            f"rule {rule}: {told}; the batch was rolled back. If rights are missing, `lethe init` "
            "grants what the policy needs",
            error.pgcode,
        ) from None
    return failure
