"""Whether anybody else works on the database: then erasers give way.

Whoever waits for a processor, or for the disk to take what a large batch wrote, feels an eraser. So
while others work, batches are small and rest, and only the first eraser works; the more there are,
the more a night at an hour of no traffic is quicker.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from psycopg2 import extensions

from lethe.include import statement

_LOOK_S = 0.5
"""How often to look; a server process tells its statistics once a second at most."""
_CALM_S = 2.0
"""So long nobody must have been seen before nobody is there."""


class Traffic:
    """Looks at how many transactions others ended since the last look."""

    def __init__(self, connection: extensions.connection, *, above: float) -> None:
        """Begin to look.

        connection  outside a transaction whenever it is asked
        above       so many transactions a second are others at work
        """
        self._connection = connection
        self._above = above
        self._is_busy = True
        self._busy_at = float("-inf")
        self._seen = self._count()
        self._looked = time.monotonic()

    def is_busy(self) -> bool:
        """Whether others work; as long as nothing is known, they do."""
        now = time.monotonic()
        if (passed := now - self._looked) >= _LOOK_S:
            seen = self._count()
            if seen - self._seen > self._above * passed:
                self._busy_at = now
            self._is_busy = now - self._busy_at < _CALM_S
            self._seen, self._looked = seen, now
        return self._is_busy

    @property
    def was_seen(self) -> bool:
        """Whether others were at work at any look."""
        return self._busy_at > float("-inf")

    def wait(self, is_over: Callable[[], bool]) -> bool:
        """Wait until nobody else works; gives False if there is nothing left to wait for."""
        while self.is_busy():
            if is_over():
                return False
            time.sleep(_LOOK_S / 4)
        return not is_over()

    def _count(self) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(statement("erasure/count_transactions"))
            row = cursor.fetchone()
        self._connection.rollback()
        return int(row[0]) if row else 0
