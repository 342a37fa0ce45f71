"""A warehouse that Lethe was initialised in, logins for each role, a witness, and keys."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from lethe.connections import ROLES, Role, acting_as, group_role
from lethe.evidence import LedgerRow, Witness, begin_witness, initialise
from lethe.evidence.batch import EvidenceBatch
from lethe.keys import KeyEncryptionKey, KeyRing
from psycopg2 import extensions, sql

Connect = Callable[[], extensions.connection]


@pytest.fixture
def dsn(new_database: Callable[[], str]) -> str:
    """DSN of a warehouse that is ready for Lethe, as superuser."""
    dsn = new_database()
    connection = psycopg2.connect(dsn)
    initialise(connection)
    connection.close()
    return dsn


@pytest.fixture
def connect(dsn: str) -> Iterator[Connect]:
    """A maker of superuser connections to the ready warehouse."""
    made: list[extensions.connection] = []

    def make() -> extensions.connection:
        made.append(psycopg2.connect(dsn))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def warehouse(connect: Connect) -> extensions.connection:
    """A connection to the ready warehouse."""
    return connect()


@pytest.fixture
def login(dsn: str) -> Iterator[Callable[[Role], extensions.connection]]:
    """A maker of connections whose user is a member of one group role only."""
    made: list[extensions.connection] = []
    with psycopg2.connect(dsn) as admin, admin.cursor() as cursor:
        for role in ROLES:
            name = sql.Identifier(f"{role}_login")
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (f"{role}_login",))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            group = sql.Identifier(group_role(role))
            cursor.execute(sql.SQL("GRANT {} TO {}").format(group, name))
    admin.close()

    def make(role: Role) -> extensions.connection:
        made.append(psycopg2.connect(dsn, user=f"{role}_login"))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """LETHE_HOME of this test."""
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def witness(warehouse: extensions.connection, home: Path) -> Iterator[Witness]:
    """The file witness of the ready warehouse."""
    witness = begin_witness(warehouse, "file", "witness")
    yield witness
    witness.close()


@pytest.fixture
def kek() -> KeyEncryptionKey:
    """A key-encryption key."""
    return KeyEncryptionKey(os.urandom(32))


@pytest.fixture
def ring(warehouse: extensions.connection, kek: KeyEncryptionKey, witness: Witness) -> KeyRing:
    """The key ring of the ready warehouse, with keys for tokens and tombstones."""
    acting_as(warehouse, "runner")
    ring = KeyRing.open(warehouse, kek, witness)
    ring.create("token", "2026")
    ring.create("tombstone", "2026")
    warehouse.commit()
    return ring


def commit_batch(
    connection: extensions.connection, witness: Witness | None = None, rows: int = 3
) -> EvidenceBatch:
    """Commit a batch of plain ledger rows."""
    acting_as(connection, "runner")
    batch = EvidenceBatch(connection, None, witness)
    batch.add_rows(LedgerRow("something_done", {"rows": number}) for number in range(rows))
    batch.commit()
    return batch


def tamper(connection: extensions.connection, table: str, change: str) -> None:
    """Change evidence behind everybody's back, as only a superuser can who lifts the trigger.

    In the transaction of the connection, so that one honest ledger serves many attempts.
    """
    name = sql.Identifier("lethe", table)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER ALL").format(name))
        cursor.execute(change)
        cursor.execute(sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER refuse_change").format(name))
