"""Reading: few queries, one snapshot, nothing left behind, and clear refusals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.catalogue.model import Catalogue, MissingRight
from lethe.catalogue.read import read_catalogue
from lethe.errors import WarehouseRefused, WarehouseUnreachable
from lethe.policy.names import TableName
from psycopg2 import extensions, sql

Read = Callable[[str], Catalogue]


class CountingConnection(extensions.connection):
    """A real connection that remembers what was executed on it."""

    executed: list[str]

    def __init__(self, dsn: str, **options: Any) -> None:
        super().__init__(dsn, **options)
        self.executed = []

    def cursor(self, *args: Any, **options: Any) -> Any:
        executed = self.executed

        class Counting(options.pop("cursor_factory", None) or extensions.cursor):  # type: ignore[misc]
            def execute(self, query: Any, values: Any = None) -> None:
                super().execute(query, values)
                executed.append(bytes(self.query).decode())

        return super().cursor(*args, cursor_factory=Counting, **options)


def statements_to_read(dsn: str) -> list[str]:
    connection = psycopg2.connect(dsn, connection_factory=CountingConnection)
    read_catalogue(connection)
    connection.close()
    return connection.executed


def test_four_hundred_tables_take_as_many_queries_as_none_and_less_than_two_seconds(
    new_database: Callable[[], str],
) -> None:
    dsn = new_database()
    of_nothing = len(statements_to_read(dsn))
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        for number in range(400):
            link = f", up bigint REFERENCES t{number - 1}" if number else ""
            cursor.execute(
                f"CREATE TABLE t{number} (id bigint PRIMARY KEY, a text, b text NOT NULL, c date, "
                f"d jsonb, e int[], f uuid UNIQUE, g numeric(9, 2), h timestamptz{link})"
            )
        connection.commit()
    started = time.perf_counter()
    catalogue = read_catalogue(connection)
    seconds = time.perf_counter() - started
    connection.close()
    assert len(catalogue.tables) == 400
    assert len(catalogue.foreign_keys) == 399
    assert seconds < 2
    assert len(statements_to_read(dsn)) == of_nothing == 18


def test_a_second_reading_of_the_same_database_is_equal(
    catalogue_of: Read, warehouse: extensions.connection
) -> None:
    first = catalogue_of("CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t")
    assert read_catalogue(warehouse) == first


@pytest.mark.parametrize("autocommit", [True, False])
def test_an_idle_connection_is_read_in_one_snapshot_and_left_idle(
    new_database: Callable[[], str], autocommit: bool
) -> None:
    connection = psycopg2.connect(new_database(), connection_factory=CountingConnection)
    connection.autocommit = autocommit
    read_catalogue(connection)
    begun = connection.executed[0]
    assert begun.endswith("ISOLATION LEVEL REPEATABLE READ READ ONLY")
    assert connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ('"$user", public',)
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("read committed",)
        cursor.execute("CREATE TABLE still_writable (id int)")
    connection.close()


def test_in_the_callers_transaction_uncommitted_tables_are_seen_and_it_goes_on_as_it_was(
    new_database: Callable[[], str],
) -> None:
    connection = psycopg2.connect(new_database())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = elsewhere")
        cursor.execute("CREATE TABLE public.fresh (id int)")
        catalogue = read_catalogue(connection)
        assert TableName("public", "fresh") in catalogue.tables
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("elsewhere",)
        connection.commit()
        cursor.execute("SELECT count(*) FROM public.fresh")
    connection.close()


def test_a_cursor_factory_of_the_caller_does_not_matter(new_database: Callable[[], str]) -> None:
    from psycopg2.extras import RealDictCursor

    connection = psycopg2.connect(new_database(), cursor_factory=RealDictCursor)
    assert read_catalogue(connection).role
    connection.close()


def test_the_database_role_and_version_are_told(
    catalogue_of: Read, warehouse: extensions.connection
) -> None:
    catalogue = catalogue_of("SELECT 1")
    assert catalogue.server_version_num == warehouse.info.server_version
    assert catalogue.database == warehouse.info.dbname
    assert catalogue.role == warehouse.info.user
    assert not catalogue.is_standby


def test_what_the_role_may_not_read_is_reported(
    new_role: str, catalogue_of: Read, warehouse: extensions.connection
) -> None:
    catalogue_of("""
        CREATE SCHEMA closed; CREATE TABLE closed.t (id int);
        CREATE TABLE free (id int); CREATE TABLE shut (id int);
        CREATE TABLE partly (id int, mail text, secret text);
    """)
    with warehouse.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "GRANT SELECT, DELETE ON free TO {0}; GRANT SELECT (id), UPDATE (id) ON partly"
                " TO {0}; GRANT SELECT ON closed.t TO {0}; SET ROLE {0}"
            ).format(sql.Identifier(new_role))
        )
    catalogue = read_catalogue(warehouse)
    assert catalogue.role == new_role
    assert catalogue.missing_rights() == (
        MissingRight(TableName("closed", "t"), "USAGE on schema closed"),
        MissingRight(TableName("public", "partly"), "SELECT on column mail, secret"),
        MissingRight(TableName("public", "shut"), "SELECT"),
    )
    free = catalogue.tables[TableName("public", "free")]
    partly = catalogue.tables[TableName("public", "partly")]
    assert free.is_readable
    assert free.rights == {"usage", "select", "delete"}
    assert not partly.is_readable
    assert [c.name for c in partly.columns.values() if c.updatable] == ["id"]


def test_a_server_that_is_too_old_is_refused_with_its_version_and_the_way_out(
    new_database: Callable[[], str],
) -> None:
    class OldInfo:
        server_version = 140012

    class OldServer(extensions.connection):
        info = OldInfo()  # type: ignore[assignment]

    connection = psycopg2.connect(new_database(), connection_factory=OldServer)
    with pytest.raises(WarehouseRefused, match=r"PostgreSQL 14, .* 15 or newer: upgrade"):
        read_catalogue(connection)
    connection.close()


def test_a_newer_server_than_tested_is_read_with_a_warning(
    new_database: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    class NewInfo:
        server_version = 190000
        transaction_status = extensions.TRANSACTION_STATUS_IDLE

    class NewServer(extensions.connection):
        info = NewInfo()  # type: ignore[assignment]

    connection = psycopg2.connect(new_database(), connection_factory=NewServer)
    with caplog.at_level(logging.WARNING, logger="lethe.catalogue.read"):
        read_catalogue(connection)
    assert "PostgreSQL 19 is newer" in caplog.text
    connection.close()


def test_a_lost_connection_is_unreachable_and_a_broken_transaction_is_refused(
    new_database: Callable[[], str], postgres: str
) -> None:
    connection = psycopg2.connect(new_database())
    with connection.cursor() as cursor, pytest.raises(psycopg2.Error):
        cursor.execute("SELECT 1 / 0")
    with pytest.raises(WarehouseRefused, match=r"25P02.*roll it back"):
        read_catalogue(connection)
    connection.rollback()
    admin = psycopg2.connect(postgres)
    with admin.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    admin.close()
    time.sleep(0.2)
    for _ in range(2):
        with pytest.raises(WarehouseUnreachable, match="run it again"):
            read_catalogue(connection)


def test_a_table_that_somebody_holds_exclusively_is_read_without_waiting(
    catalogue_of: Read, warehouse: extensions.connection
) -> None:
    catalogue_of("""
        CREATE TABLE t (id int PRIMARY KEY, mail text DEFAULT 'x', CHECK (mail <> ''))
            PARTITION BY RANGE (id);
        CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (2);
        CREATE VIEW v AS SELECT * FROM t;
    """)
    other = psycopg2.connect(warehouse.dsn)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE t, v IN ACCESS EXCLUSIVE MODE")
        started = time.perf_counter()
        assert TableName("public", "t") in read_catalogue(warehouse).tables
        assert time.perf_counter() - started < 2
    other.close()


def test_chinook_has_eleven_tables_and_eleven_foreign_keys(
    catalogue_of: Read, shared_data: Path
) -> None:
    script = (shared_data / "chinook" / "chinook_postgresql.sql").read_text(encoding="utf-8")
    catalogue = catalogue_of(
        "\n".join(
            line
            for line in script.splitlines()
            if not line.startswith(("\\c", "CREATE DATABASE", "DROP DATABASE"))
        )
    )
    assert len(catalogue.tables) == 11
    assert len(catalogue.foreign_keys) == 11
    assert [str(k.child) for k in catalogue.foreign_keys if k.is_self_reference] == [
        "public.employee"
    ]
    playlist_track = catalogue.tables[TableName("public", "playlist_track")]
    assert playlist_track.primary_key == ("playlist_id", "track_id")
    assert not catalogue.missing_rights()
