"""The witness in another PostgreSQL keeps what the file keeps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg2
import pytest
from lethe.errors import ActError, ConfigurationError, TamperingFound
from lethe.evidence.witness_database import DatabaseWitness


@pytest.fixture
def place(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def database(place: str) -> Iterator[DatabaseWitness]:
    witness = DatabaseWitness.create_in(psycopg2.connect(place), uuid4())
    yield witness
    witness.close()


def test_records_come_back_in_both_directions(database: DatabaseWitness) -> None:
    for number in range(450):
        database.append("note", {"n": number})
    forward = list(database.records())
    assert [record.body["n"] for record in forward] == list(range(450))
    assert list(database.records_backwards()) == forward[::-1]
    assert database.position() == (450, forward[-1].digest)
    assert [record.number for record in database.records(after=448)] == [449, 450]


def test_two_warehouses_do_not_mix(database: DatabaseWitness, place: str) -> None:
    database.append("note", {"n": 1})
    other = DatabaseWitness.create_in(psycopg2.connect(place), uuid4())
    assert list(other.records()) == []
    assert other.append("note", {}).number == 1
    other.close()


def test_many_writers_at_once_leave_one_chain(database: DatabaseWitness, place: str) -> None:
    def write() -> None:
        own = DatabaseWitness(psycopg2.connect(place), database.warehouse_id)
        for number in range(20):
            own.append("note", {"n": number})
        own.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(database.records())) == 80


def test_it_is_only_added_to_and_tampering_is_found(database: DatabaseWitness, place: str) -> None:
    for number in range(3):
        database.append("note", {"n": number})
    connection = psycopg2.connect(place)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for change in (
            "UPDATE lethe_witness.record SET line = ''",
            "TRUNCATE lethe_witness.record",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(change)
        cursor.execute("ALTER TABLE lethe_witness.record DISABLE TRIGGER refuse_change")
        cursor.execute("DELETE FROM lethe_witness.record WHERE number = 2")
    connection.close()
    for read in (database.records, database.records_backwards):
        with pytest.raises(TamperingFound):
            list(read())


def test_a_witness_that_is_not_there_is_a_clear_error(new_database: Callable[[], str]) -> None:
    with pytest.raises(ConfigurationError, match="bring it back"):
        DatabaseWitness(psycopg2.connect(new_database()), uuid4())


def test_a_witness_that_went_away_stops_the_commit(database: DatabaseWitness, place: str) -> None:
    with psycopg2.connect(place) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()
    with pytest.raises(ActError, match="nothing was committed"):
        database.append("note", {})


def test_a_kept_key_can_be_destroyed(database: DatabaseWitness) -> None:
    key = uuid4()
    assert database.kept_key(key) is None
    database.keep_key(key, {"wrapped": "a"})
    database.keep_key(key, {"wrapped": "b"})
    assert database.kept_key(key) == {"wrapped": "b"}
    database.destroy_key(key)
    assert database.kept_key(key) is None
