"""Connections: where they are looked for, whose rights they use, what is said when they fail."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from lethe.connections import (
    ROLES,
    Role,
    acting_as,
    group_role,
    open_dsn,
    open_warehouse,
    require_version,
    warehouse_dsn,
)
from lethe.errors import (
    ConfigurationError,
    UsageError,
    WarehouseRefused,
    WarehouseUnreachable,
)
from lethe.named_connections import find_connection, require_connection
from psycopg2 import extensions, sql

PROJECT = Path(__file__).resolve().parents[1]
SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("AIRFLOW_CONN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    monkeypatch.setattr("lethe.named_connections._find_in_airflow", lambda _: None)
    return tmp_path


def test_json_in_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "conn_type": "postgres",
        "host": "db",
        "port": "5433",
        "login": "me",
        "password": SECRET,
        "schema": "wh",
        "extra": '{"sslmode": "require", "unknown": 1}',
    }
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_WAREHOUSE", json.dumps(given))
    assert extensions.parse_dsn(warehouse_dsn(None, "runner")) == {
        "host": "db",
        "port": "5433",
        "user": "me",
        "password": SECRET,
        "dbname": "wh",
        "sslmode": "require",
    }
    assert SECRET not in repr(find_connection("lethe_warehouse"))


def test_a_uri_in_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_LETHE_WAREHOUSE",
        "postgresql://m%40e:p%2Fw@%2Frun%2Fpg:5433/w%20h?sslmode=disable",
    )
    assert extensions.parse_dsn(warehouse_dsn(None, "runner")) == {
        "host": "/run/pg",
        "port": "5433",
        "user": "m@e",
        "password": "p/w",
        "dbname": "w h",
        "sslmode": "disable",
    }


def test_the_environment_comes_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, {"lethe_warehouse": {"conn_type": "postgres", "host": "from-file"}})
    assert "from-file" in warehouse_dsn(None, "runner")
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_WAREHOUSE", "postgres://from-environment")
    assert "from-environment" in warehouse_dsn(None, "runner")


def test_each_role_has_its_connection_and_falls_back_on_the_runners(home: Path) -> None:
    write(
        home,
        {
            "lethe_warehouse": {"conn_type": "postgres", "login": "the_runner"},
            "lethe_approver": "postgres://the_approver@/",
        },
    )
    users = {role: extensions.parse_dsn(warehouse_dsn(None, role))["user"] for role in ROLES}
    assert users == dict.fromkeys(ROLES, "the_runner") | {"approver": "the_approver"}
    assert {warehouse_dsn("dbname=given", role) for role in ROLES} == {"dbname=given"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be an object"),
        ('{"lethe_warehouse": 5}', "must be an object or a URI"),
        ('{"lethe_warehouse": {"conn_type": "mysql"}}', "must be 'postgres'"),
        ('{"lethe_warehouse": {"conn_type": "postgres", "port": "x"}}', "must be a number"),
        ('{"lethe_warehouse": {"conn_type": "postgres", "extra": "{"}}', "JSON object"),
    ],
)
def test_a_broken_file_is_a_clear_error(home: Path, content: str, message: str) -> None:
    (home / "secrets").mkdir()
    (home / "secrets" / "connections.json").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        warehouse_dsn(None, "runner")


def test_a_missing_connection_names_the_places_to_put_it(home: Path) -> None:
    with pytest.raises(ConfigurationError, match="AIRFLOW_CONN_LETHE_KEYS") as caught:
        require_connection("lethe_keys")
    assert str(home) in str(caught.value)


def test_a_session_carries_our_name_and_a_time_limit(postgres: str) -> None:
    connection = open_warehouse(postgres)
    assert connection.info.dsn_parameters["connect_timeout"] == "10"
    with connection.cursor() as cursor:
        cursor.execute("SHOW application_name")
        assert cursor.fetchone() == ("lethe",)
    connection.close()


def test_the_users_own_options_are_kept(postgres: str) -> None:
    given = extensions.make_dsn(postgres, options="-c work_mem=5MB", connect_timeout=3)
    connection = open_warehouse(given)
    assert connection.info.dsn_parameters["connect_timeout"] == "3"
    with connection.cursor() as cursor:
        cursor.execute("SHOW work_mem")
        assert cursor.fetchone() == ("5MB",)
    connection.close()


def test_a_url_with_a_driver_is_understood(postgres: str) -> None:
    parts = extensions.parse_dsn(postgres)
    url = f"postgresql+psycopg2://{parts['user']}@/{parts['dbname']}?host={parts['host']}"
    open_warehouse(url).close()


@pytest.mark.parametrize(
    "dsn", [f"password={SECRET} oops", f"postgresql://me:{SECRET}@[x/", SECRET]
)
def test_a_dsn_that_cannot_be_read_is_not_shown(dsn: str) -> None:
    with pytest.raises(UsageError, match="cannot be read") as caught:
        open_warehouse(dsn)
    assert SECRET not in str(caught.value)


def test_failures_say_what_to_do_and_never_the_password(
    postgres: str, protected: str, tmp_path: Path
) -> None:
    cases = {
        f"host={tmp_path} dbname=x user=me password={SECRET}": "no PostgreSQL answers",
        f"host=127.0.0.1 port=1 dbname=x user=me password={SECRET}": "127.0.0.1:1",
        f"host=no.such.host.invalid dbname=x password={SECRET}": "host of the warehouse",
        psycopg2.extensions.make_dsn(postgres, dbname="absent", password=SECRET): "'absent'",
        psycopg2.extensions.make_dsn(postgres, user="nobody_here", password=SECRET): "nobody_here",
        psycopg2.extensions.make_dsn(protected, password=SECRET + "x"): "wrong or missing password",
        protected: "wrong or missing password",
    }
    for dsn, message in cases.items():
        with pytest.raises(WarehouseUnreachable, match=message) as caught:
            open_dsn(dsn)
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.exit_code == 3
    open_dsn(psycopg2.extensions.make_dsn(protected, password=SECRET)).close()


def test_a_server_too_old_is_refused() -> None:
    require_version(150000)
    with pytest.raises(WarehouseRefused, match="runs PostgreSQL 14; Lethe needs 15"):
        require_version(140011)


def test_a_member_acts_with_the_rights_of_the_group_for_one_transaction(groups: str) -> None:
    connection = open_warehouse(groups)
    for _ in range(2):
        assert acting_as(connection, "runner") is True
        assert ask(connection, "SELECT current_user") == "lethe_runner"
        assert ask(connection, "SHOW row_security") == "off"
        connection.commit()
        assert ask(connection, "SELECT current_user = session_user")
        assert ask(connection, "SHOW row_security") == "on"
        connection.rollback()
    connection.close()


def test_a_user_outside_the_group_acts_with_rights_of_its_own(groups: str) -> None:
    connection = open_warehouse(psycopg2.extensions.make_dsn(groups, user="only_reader"))
    for role in ROLES:
        taken: Role = "reader"
        assert acting_as(connection, role) is (role == taken)
        expected = group_role("reader") if role == taken else "only_reader"
        assert ask(connection, "SELECT current_user") == expected
        connection.rollback()
    connection.close()


def test_airflow_is_not_imported_where_it_is_not_needed() -> None:
    code = (
        "import sys, lethe.connections as c; c.warehouse_dsn(None, 'approver');"
        "print('airflow' in sys.modules)"
    )
    environment = {"AIRFLOW_CONN_LETHE_WAREHOUSE": "postgres://x"}
    assert run(code, environment).strip() == "False"


@pytest.mark.airflow
def test_airflow_is_asked_last(tmp_path: Path) -> None:
    store = tmp_path / "store.json"
    store.write_text('{"lethe_keys": {"conn_type": "generic", "password": "from airflow"}}')
    backend = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
    environment = {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__SECRETS__BACKEND": backend,
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(store)}),
        "LETHE_HOME": str(tmp_path),
    }
    code = (
        "import lethe.named_connections as c;"
        "print('found:', c.require_connection('lethe_keys').password);"
        "print('absent:', c.find_connection('lethe_smtp'))"
    )
    said = run(code, environment)
    assert "found: from airflow" in said
    assert "absent: None" in said


@pytest.fixture
def groups(new_database: Callable[[], str]) -> str:
    dsn = new_database()
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        for name in (*map(group_role, ROLES), "only_reader"):
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,))
            if cursor.fetchone() is None:
                login = sql.SQL("LOGIN" if name == "only_reader" else "NOLOGIN")
                made = sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), login)
                cursor.execute(made)
        cursor.execute("GRANT lethe_reader TO only_reader; CREATE SCHEMA lethe")
    connection.close()
    return dsn


@pytest.fixture
def protected(postgres: str) -> Iterator[str]:
    """DSN of a user who must give a password, without it."""
    connection = psycopg2.connect(postgres)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SHOW hba_file")
        file = Path(str((cursor.fetchone() or [""])[0]))
        rules = file.read_text()
        file.write_text(f"local all guarded scram-sha-256\n{rules}")
        cursor.execute("CREATE ROLE guarded LOGIN PASSWORD %s", (SECRET,))
        cursor.execute("SELECT pg_reload_conf(), pg_sleep(0.3)")
        yield psycopg2.extensions.make_dsn(postgres, user="guarded")
        file.write_text(rules)
        cursor.execute("DROP ROLE guarded")
        cursor.execute("SELECT pg_reload_conf()")
    connection.close()


def write(home: Path, connections: dict[str, object]) -> None:
    (home / "secrets").mkdir()
    (home / "secrets" / "connections.json").write_text(json.dumps(connections))


def ask(connection: extensions.connection, question: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(question)
        row = cursor.fetchone()
    return row and row[0]


def run(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "plugins"), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_server_that_dies_in_a_copy_prints_nothing_of_what_was_copied(
    postgres: str, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = open_dsn(postgres)
    with pytest.raises(psycopg2.OperationalError) as raised, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE t (a text);"
            "CREATE FUNCTION pg_temp.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NEW;"
            " END $$;"
            "CREATE TRIGGER die BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION pg_temp.die()"
        )
        cursor.copy_expert("COPY t FROM STDIN", io.StringIO("somebody@mail.example\n"))
    told = "".join(capfd.readouterr()) + str(raised.value)
    assert "somebody" not in told
    assert "Traceback" not in told
