"""Where a transaction is at home: its cluster, database and timeline, and its number there.

A record of the witness carries it. When the warehouse lacks what the record promised, the number
tells how that transaction ended, and the home whether it is still the same database that answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import psycopg2
from psycopg2 import extensions

from lethe.evidence.ledger import Json
from lethe.include import statement

Home = tuple[str | None, int, str, str | None]
_SAME = ("cluster", "database", "timeline")
_known: WeakKeyDictionary[extensions.connection, Home] = WeakKeyDictionary()


def home_of(connection: extensions.connection) -> dict[str, Json]:
    """Say which database this is: cluster, database (its oid), name, timeline.

    A server that tells nothing of its cluster leaves cluster and timeline out.
    """
    if connection not in _known:
        _known[connection] = _ask(connection)
    return dict(zip(("cluster", "database", "name", "timeline"), _known[connection], strict=True))


def transaction_here(connection: extensions.connection) -> dict[str, Json]:
    """Say which transaction this is, and where it is at home."""
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/read_transaction"))
        row = cursor.fetchone()
    return home_of(connection) | {"id": row[0] if row else None}


def is_here(connection: extensions.connection, told: Mapping[str, Any]) -> bool:
    """Say whether this is the database, on the timeline, of which a record tells."""
    here = home_of(connection)
    return all(told.get(name) == here[name] for name in _SAME)


def find_ends(connection: extensions.connection, ids: Iterable[str]) -> dict[str, str]:
    """Find how transactions of this database ended: see the statement for the words."""
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/find_ends"), {"ids": list(ids)})
        return dict(cursor.fetchall())


def _ask(connection: extensions.connection) -> Home:
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT lethe_home")
        try:
            cursor.execute(statement("evidence/read_home"))
            row = cursor.fetchone()
        except psycopg2.OperationalError:
            raise
        except psycopg2.Error:
            cursor.execute("ROLLBACK TO SAVEPOINT lethe_home")
            cursor.execute(statement("evidence/read_home_plainly"))
            row = cursor.fetchone()
        cursor.execute("RELEASE SAVEPOINT lethe_home")
    if row is None:
        raise psycopg2.InterfaceError("a database without a name")
    return row
