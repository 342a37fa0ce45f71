"""Whether anybody else works on the database: then a second eraser stands back.

Two erasers use two processors, and whoever waits for one of them feels it. So only the first works
while others do; the more there are, the more a night at an hour of no traffic is quicker.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from psycopg2 import extensions

from lethe.include import statement

_LOOK_S = 0.5
"""How often to look; a server process tells its statistics once a second at most."""
_MANY = 50
"""So many transactions a second are others at work; our own batches end two or three each."""


class Traffic:
    """Looks at how many transactions ended since the last look, beside those of our own."""

    def __init__(self, connection: extensions.connection, own: Callable[[], int]) -> None:
        """Begin to look.

        connection  outside a transaction whenever it is asked
        own         transactions of our own so far
        """
        self._connection = connection
        self._own = own
        self._is_busy = True
        self._seen = self._count()
        self._looked = time.monotonic()

    def is_busy(self) -> bool:
        """Whether others work; as long as nothing is known, they do."""
        if (passed := time.monotonic() - self._looked) >= _LOOK_S:
            seen = self._count()
            self._is_busy = seen - self._seen > _MANY * passed
            self._seen, self._looked = seen, time.monotonic()
        return self._is_busy

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
        return int(row[0]) - self._own() if row else 0
