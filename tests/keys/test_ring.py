"""The key ring on a real warehouse: wrapped, bound, destroyed for good."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg2
import pytest
from lethe.connections import acting_as
from lethe.errors import ConfigurationError, UsageError
from lethe.evidence import initialise
from lethe.keys import (
    KeyDestroyed,
    KeyEncryptionKey,
    KeyMissing,
    KeyRecord,
    KeyRing,
)
from psycopg2 import errors, extensions


class Listener:
    """A witness that only listens."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []

    def key_created(self, record: KeyRecord) -> None:
        self.heard.append(("created", record.purpose, record.period))

    def key_destroyed(self, record: KeyRecord) -> None:
        self.heard.append(("destroyed", record.purpose, record.period))

    def find_key(self, purpose: str, period: str) -> KeyRecord | None:
        """It has kept none."""
        del purpose, period
        return None


@pytest.fixture
def dsn(new_database: Callable[[], str]) -> str:
    dsn = new_database()
    connection = psycopg2.connect(dsn)
    initialise(connection)
    connection.close()
    return dsn


@pytest.fixture
def warehouse(dsn: str) -> Iterator[extensions.connection]:
    connection = psycopg2.connect(dsn)
    acting_as(connection, "runner")
    yield connection
    connection.close()


@pytest.fixture
def kek() -> KeyEncryptionKey:
    return KeyEncryptionKey(os.urandom(32))


def test_a_secret_is_made_once_and_found_again(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    ring = KeyRing.open(warehouse, kek)
    with pytest.raises(KeyMissing, match="'log' of 2026-08"):
        ring.secret("log", "2026-08")
    secret = ring.secret("log", "2026-08", create=True)
    assert len(secret) == 32
    assert KeyRing.open(warehouse, kek).secret("log", "2026-08", create=True) == secret
    assert ring.secret("log", "2026-09", create=True) != secret
    assert ring.secret("token", "2026-08", create=True) != secret
    listed = [(record.purpose, record.period) for record in ring.list()]
    assert listed == [("log", "2026-08"), ("log", "2026-09"), ("token", "2026-08")]


def test_no_secret_stands_in_the_warehouse(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    secret = KeyRing.open(warehouse, kek).secret("log", "2026-08", create=True)
    with warehouse.cursor() as cursor:
        cursor.execute("SELECT k::text FROM lethe.key k")
        assert secret.hex() not in str(cursor.fetchall())
    record = KeyRing.open(warehouse, kek).list()[0]
    assert record.wrapped and record.wrapped.hex() not in repr(record)


def test_a_wrong_key_encryption_key_is_refused_before_anything_is_read(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    KeyRing.open(warehouse, kek).create("log", "2026-08")
    with pytest.raises(ConfigurationError, match="another key-encryption key"):
        KeyRing.open(warehouse, KeyEncryptionKey(os.urandom(32)))


@pytest.mark.parametrize(
    "change",
    [
        "purpose = 'other'",
        "period = '2027-01'",
        "key_id = gen_random_uuid()",
        "wrapped = set_bit(wrapped, 5, 1 - get_bit(wrapped, 5))",
        "nonce = set_bit(nonce, 5, 1 - get_bit(nonce, 5))",
    ],
)
def test_a_row_that_was_changed_or_moved_does_not_open(
    dsn: str, warehouse: extensions.connection, kek: KeyEncryptionKey, change: str
) -> None:
    KeyRing.open(warehouse, kek).create("log", "2026-08")
    with warehouse.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute(f"UPDATE lethe.key SET {change}")
    with pytest.raises(ConfigurationError, match="cannot be unwrapped"):
        KeyRing.open(warehouse, kek)


def test_a_row_of_another_warehouse_does_not_open(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    KeyRing.open(warehouse, kek).create("log", "2026-08")
    with warehouse.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("UPDATE lethe.warehouse SET warehouse_id = gen_random_uuid()")
    with pytest.raises(ConfigurationError, match="cannot be unwrapped"):
        KeyRing.open(warehouse, kek)


def test_a_destroyed_key_stays_destroyed_and_listed(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    heard = Listener()
    ring = KeyRing.open(warehouse, kek, heard)
    ring.create("log", "2026-08", destroy_after=date(2027, 8, 31))
    gone = ring.destroy("log", "2026-08", final_at=date(2027, 11, 29))
    assert (gone.wrapped, gone.nonce, gone.final_at) == (None, None, date(2027, 11, 29))
    assert ring.destroy("log", "2026-08", final_at=date(2030, 1, 1)) == gone
    for create in (False, True):
        with pytest.raises(KeyDestroyed, match="was destroyed on"):
            ring.secret("log", "2026-08", create=create)
    assert [record.destroyed_at is not None for record in KeyRing.open(warehouse, kek).list()]
    assert heard.heard == [("created", "log", "2026-08"), ("destroyed", "log", "2026-08")]


def test_the_database_refuses_to_revive_or_forget_a_destroyed_key(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    ring = KeyRing.open(warehouse, kek)
    ring.create("log", "2026-08")
    ring.destroy("log", "2026-08")
    warehouse.commit()
    for change in (
        "UPDATE lethe.key SET wrapped = 'x', nonce = substr(sha256(''), 1, 12),"
        " destroyed_at = NULL, final_at = NULL",
        "UPDATE lethe.key SET destroyed_at = now() - interval '1 year'",
        "DELETE FROM lethe.key",
    ):
        with pytest.raises(errors.InsufficientPrivilege), warehouse.cursor() as cursor:
            cursor.execute(change)
        warehouse.rollback()


def test_a_key_that_was_rolled_back_does_not_live_on_in_memory(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    ring = KeyRing.open(warehouse, kek)
    lost = ring.secret("log", "2026-08", create=True)
    warehouse.rollback()
    acting_as(warehouse, "runner")
    with pytest.raises(KeyMissing):
        ring.secret("log", "2026-08")
    assert ring.secret("log", "2026-08", create=True) != lost


def test_many_who_ask_at_once_get_the_same_secret(dsn: str, kek: KeyEncryptionKey) -> None:
    def ask(_: int) -> bytes:
        connection = psycopg2.connect(dsn)
        acting_as(connection, "runner")
        secret = KeyRing.open(connection, kek).secret("log", "2026-08", create=True)
        connection.commit()
        connection.close()
        return secret

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(12)))) == 1


def test_another_key_encryption_key_takes_over_every_living_key(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    heard, new = Listener(), KeyEncryptionKey(os.urandom(32))
    ring = KeyRing.open(warehouse, kek, heard)
    secrets = [ring.secret("log", period, create=True) for period in ("2026-07", "2026-08")]
    ring.create("log", "2026-06")
    ring.destroy("log", "2026-06")
    assert ring.rewrap(new) == 2
    again = KeyRing.open(warehouse, new)
    assert [again.secret("log", period) for period in ("2026-07", "2026-08")] == secrets
    assert ring.secret("log", "2026-08") == secrets[1]
    assert heard.heard[-2:] == [("created", "log", "2026-07"), ("created", "log", "2026-08")]
    with pytest.raises(ConfigurationError):
        KeyRing.open(warehouse, kek)


def test_names_that_are_none_are_refused(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    ring = KeyRing.open(warehouse, kek)
    for purpose, period in (("Log", "2026"), ("", "2026"), ("log", ""), ("log", "a b")):
        with pytest.raises(UsageError):
            ring.create(purpose, period)


def test_a_warehouse_without_identity_is_a_clear_error(
    warehouse: extensions.connection, kek: KeyEncryptionKey
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("DELETE FROM lethe.warehouse")
    with pytest.raises(ConfigurationError, match="lethe init"):
        KeyRing.open(warehouse, kek)
