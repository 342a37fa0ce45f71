"""Setting a warehouse up, by ourselves or by a DBA, and arming it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
from lethe.connections import Role
from lethe.errors import ConfigurationError, UsageError
from lethe.evidence import (
    Grant,
    arm,
    disarm,
    initialise,
    print_sql,
    read_warehouse,
    verify_ledger,
)
from lethe.evidence.initialise import find_ready
from lethe.evidence.witness_opening import begin_witness
from lethe.policy.names import TableName
from psycopg2 import extensions, sql

from .conftest import Connect, commit_batch

Login = Callable[[Role], extensions.connection]
ODD = TableName("odd schema", 'a"b')
GRANTS = [
    Grant(ODD, ("SELECT", "DELETE")),
    Grant(ODD, ("UPDATE",), ("the key",)),
    Grant(ODD, ("SELECT",), role="planner"),
]
MAKE_ODD = 'CREATE SCHEMA "odd schema"; CREATE TABLE "odd schema"."a""b" ("the key" int, v text)'


def test_doing_it_again_changes_nothing(warehouse: extensions.connection) -> None:
    before = content(warehouse)
    again = initialise(warehouse)
    assert not again.changed
    assert content(warehouse) == before


def test_what_the_dba_runs_is_what_we_would_have_done(new_database: Callable[[], str]) -> None:
    by_us, by_dba = psycopg2.connect(new_database()), psycopg2.connect(new_database())
    for connection in (by_us, by_dba):
        with connection, connection.cursor() as cursor:
            cursor.execute(MAKE_ODD)
    initialise(by_us, grants=GRANTS)
    by_dba.autocommit = True
    with by_dba.cursor() as cursor:
        cursor.execute(print_sql(GRANTS))
    by_dba.autocommit = False
    assert shape(by_us) == shape(by_dba)
    assert not initialise(by_dba, grants=GRANTS).changed
    by_us.close()
    by_dba.close()


def test_after_the_dba_a_user_without_rights_has_nothing_to_do(
    warehouse: extensions.connection, login: Login
) -> None:
    assert not initialise(login("runner")).changed


def test_a_function_that_an_owner_lent_needs_no_owner_until_it_is_another_one(
    warehouse: extensions.connection, login: Login
) -> None:
    lent = sql.SQL(
        "CREATE OR REPLACE FUNCTION lethe.lent() RETURNS int LANGUAGE sql AS $body$SELECT 1$body$"
    )
    with pytest.raises(ConfigurationError, match="--print-sql"):
        initialise(login("runner"), functions=[lent])
    initialise(warehouse, functions=[lent])
    assert not initialise(login("runner"), functions=[lent]).changed
    with pytest.raises(ConfigurationError, match="--print-sql"):
        initialise(login("runner"), functions=[sql.SQL(lent.string.replace("1", "2"))])


def test_a_user_without_rights_is_told_to_ask_the_dba(
    new_database: Callable[[], str], warehouse: extensions.connection, login: Login
) -> None:
    login("reader")
    stranger = psycopg2.connect(new_database(), user="reader_login")
    with pytest.raises(ConfigurationError, match="--print-sql"):
        initialise(stranger)
    with stranger.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('lethe')")
        assert cursor.fetchone() == (None,)
    stranger.close()


def test_who_may_not_grant_on_the_tables_finds_the_schema_ready_all_the_same(
    warehouse: extensions.connection, login: Login
) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(MAKE_ODD)
    owner = login("owner")
    with pytest.raises(ConfigurationError):
        initialise(owner, grants=GRANTS)
    ready = find_ready(owner)
    assert ready is not None
    assert not ready.changed


def test_a_grant_that_we_may_not_give_is_named(
    warehouse: extensions.connection, login: Login
) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("CREATE SCHEMA crm; CREATE TABLE crm.account (id int)")
    wanted = [Grant(TableName("crm", "account"), ("SELECT",))]
    with pytest.raises(ConfigurationError, match="--print-sql"):
        initialise(login("owner"), grants=wanted)
    initialise(warehouse, grants=wanted)
    assert not initialise(login("owner"), grants=wanted).changed


def test_somebody_elses_schema_of_that_name_is_left_alone(
    new_database: Callable[[], str],
) -> None:
    connection = psycopg2.connect(new_database())
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA lethe; CREATE TABLE lethe.river (id int)")
    with pytest.raises(ConfigurationError, match="belongs to"):
        initialise(connection)
    connection.close()


def test_what_was_only_set_up_may_still_become_a_rehearsal(
    warehouse: extensions.connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    initialise(warehouse)
    begin_witness(warehouse, "file", "witness").close()
    assert initialise(warehouse, rehearsal=True).warehouse.rehearsal


def test_what_was_armed_once_may_not_become_a_rehearsal(
    warehouse: extensions.connection,
) -> None:
    initialise(warehouse)
    arm(warehouse)
    with pytest.raises(UsageError, match="was armed or worked on in earnest"):
        initialise(warehouse, rehearsal=True)


def test_a_warehouse_that_was_worked_on_cannot_become_a_rehearsal(
    warehouse: extensions.connection,
) -> None:
    assert initialise(warehouse, rehearsal=True).warehouse.rehearsal
    assert initialise(warehouse).warehouse.rehearsal
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("UPDATE lethe.warehouse SET rehearsal = false")
    commit_batch(warehouse)
    with pytest.raises(UsageError, match="in earnest"):
        initialise(warehouse, rehearsal=True)


def test_arming_and_disarming_are_recorded_on_the_ledger(
    warehouse: extensions.connection, login: Login
) -> None:
    assert not read_warehouse(warehouse).armed
    assert arm(login("approver"), "dpo").armed_by == "dpo"
    assert arm(login("approver"), "another").armed_by == "dpo"
    assert not disarm(login("approver"), "dpo").armed
    with warehouse.cursor() as cursor:
        cursor.execute("SELECT kind FROM lethe.ledger ORDER BY id")
        assert cursor.fetchall() == [("warehouse_armed",), ("warehouse_disarmed",)]
    assert verify_ledger(warehouse).faults == ()


@pytest.mark.parametrize("role", ["runner", "owner", "planner", "reader"])
def test_whoever_is_not_the_approver_is_told_how_to_arm(login: Login, role: Role) -> None:
    with pytest.raises(ConfigurationError, match="lethe_approver"):
        arm(login(role), "me")


def test_a_warehouse_without_lethe_says_so(
    new_database: Callable[[], str],
) -> None:
    connection = psycopg2.connect(new_database())
    with pytest.raises(ConfigurationError, match="lethe init"):
        read_warehouse(connection)
    connection.close()


def test_a_newer_lethes_schema_is_not_touched(warehouse: extensions.connection) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("UPDATE lethe.alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="newer Lethe"):
        initialise(warehouse)


def test_two_at_once_both_finish(new_database: Callable[[], str]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    dsn = new_database()

    def run(_: int) -> str:
        connection = psycopg2.connect(dsn)
        try:
            return str(initialise(connection).warehouse.warehouse_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(run, range(4)))) == 1


def content(connection: extensions.connection) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT warehouse_id::text, created_at::text, version_num"
            " FROM lethe.warehouse, lethe.alembic_version"
        )
        return cursor.fetchall() + shape(connection)


def shape(connection: extensions.connection) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.oid::regclass::text, c.relacl::text, array_agg(ROW(a.attname,"
            " a.atttypid::regtype, a.attacl) ORDER BY a.attnum)::text,"
            " (SELECT array_agg(tgname ORDER BY tgname)::text FROM pg_trigger"
            "  WHERE tgrelid = c.oid AND NOT tgisinternal)"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0"
            " WHERE relnamespace IN (SELECT oid FROM pg_namespace"
            "                        WHERE nspname IN ('lethe', 'odd schema'))"
            " GROUP BY c.oid ORDER BY 1"
        )
        return cursor.fetchall()


def test_shapes_are_compared_at_all(connect: Connect) -> None:
    assert len(shape(connect())) > 30
