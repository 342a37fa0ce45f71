"""A transaction that a live database hardly feels: settings of its own, and bounded waits."""

from __future__ import annotations

from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.include import statement
from lethe.policy.model.guards import Batches


class Transaction:
    """A transaction of the runner with manners; rolled back unless it was committed."""

    def __init__(self, connection: extensions.connection, manners: Batches) -> None:
        self._connection = connection
        self._manners = manners

    def __enter__(self) -> extensions.cursor:
        acting_as(self._connection, "runner")
        cursor = self._connection.cursor()
        cursor.execute(
            statement("erasure/set_manners"),
            {
                "lock_timeout": f"{self._manners.lock_timeout_ms}ms",
                "statement_timeout": f"{self._manners.statement_timeout_ms}ms",
            },
        )
        return cursor

    def __exit__(self, *_: object) -> None:
        if not self._connection.closed:
            self._connection.rollback()
