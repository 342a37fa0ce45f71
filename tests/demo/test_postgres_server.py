"""The embedded server: it lives on, listens to nobody outside, and gets up after a crash."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg2
import pytest

from demo.platform import postgres
from demo.platform.credentials import LOADER, METADATA, WAREHOUSE_CONNECTIONS
from demo.platform.databases import prepare_databases
from demo.platform.home import Home

LOGINS = [METADATA, LOADER, *(login for login, _ in WAREHOUSE_CONNECTIONS.values())]
PASSWORDS = dict.fromkeys(LOGINS, "secret")


def _ask(dsn: str, question: str) -> object:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            row = cursor.fetchone()
            return row[0] if row else None
    finally:
        connection.close()


def _postmaster(home: Home) -> int:
    return int((home.postgres / "data" / "postmaster.pid").read_text().split()[0])


def test_the_server_lives_on_until_it_is_stopped_and_then_leaves_nothing(home: Home) -> None:
    server = postgres.start_server(home)
    first = _postmaster(home)
    assert postgres.start_server(home) == server
    assert _postmaster(home) == first
    assert postgres.stop_server(home)
    assert not postgres.is_running(home)
    assert not postgres.stop_server(home)


def test_the_server_listens_on_no_port(home: Home) -> None:
    server = postgres.start_server(home)
    assert _ask(server.dsn("postgres"), "SHOW listen_addresses") == ""
    listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True)
    assert f"pid={_postmaster(home)}," not in listening.stdout
    assert server.socket_folder.stat().st_mode & 0o777 == 0o700


def test_a_role_needs_its_own_password(home: Home) -> None:
    server = postgres.start_server(home)
    prepare_databases(server.dsn("postgres"), PASSWORDS | {"airflow": "right"})
    assert _ask(server.dsn("airflow", "airflow", "right"), "SELECT current_user") == "airflow"
    for wrong in (PASSWORDS["demo_loader"], ""):
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(server.dsn("airflow", "airflow", wrong))


def test_a_login_role_of_one_duty_has_no_other(home: Home) -> None:
    server = postgres.start_server(home)
    for _ in range(2):
        prepare_databases(server.dsn("postgres"), PASSWORDS)
    runner = server.dsn("warehouse", "demo_runner", "secret")
    assert _ask(runner, "SELECT pg_has_role('lethe_runner', 'MEMBER')") is True
    for other in ("lethe_owner", "lethe_approver", "lethe_planner", "lethe_reader"):
        assert _ask(runner, f"SELECT pg_has_role('{other}', 'MEMBER')") is False
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _ask(runner, "CREATE SCHEMA mine")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(server.dsn("airflow", "demo_runner", "secret"))


def test_after_kill_9_the_server_starts_again_with_its_data(home: Home) -> None:
    server = postgres.start_server(home)
    connection = psycopg2.connect(server.dsn("postgres"))
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 1 AS n")
    connection.close()
    os.kill(_postmaster(home), signal.SIGKILL)
    again = postgres.start_server(home)
    assert _ask(again.dsn("postgres"), "SELECT n FROM kept") == 1


def test_a_pid_file_that_names_a_stranger_is_not_believed(home: Home) -> None:
    postgres.start_server(home)
    postgres.stop_server(home)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        stale = home.postgres / "data" / "postmaster.pid"
        lines = (
            stranger.pid,
            home.postgres / "data",
            1,
            5432,
            home.postgres / "socket",
            "",
            "",
            "ready",
        )
        stale.write_text("".join(f"{line}\n" for line in lines))
        server = postgres.start_server(home)
        assert _ask(server.dsn("postgres"), "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("name", ["data", "data.unfinished"])
def test_a_half_made_data_folder_is_made_again(home: Home, name: str) -> None:
    home.make()
    half = home.postgres / name
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = postgres.start_server(home)
    assert _ask(server.dsn("postgres"), "SELECT 1") == 1
    assert not (home.postgres / "data.unfinished").exists()


def test_a_deep_home_gets_a_short_private_socket_folder(home: Home) -> None:
    deep = Home(home.root / ("deep" * 10) / ("deeper" * 10))
    try:
        server = postgres.start_server(deep)
        assert _ask(server.dsn("postgres"), "SELECT 1") == 1
        assert len(str(server.socket_folder)) < 60
        assert server.socket_folder.stat().st_mode & 0o777 == 0o700
        assert postgres.start_server(deep) == server
    finally:
        postgres.stop_server(deep)
    assert not server.socket_folder.exists()


def test_a_home_behind_a_link_or_with_an_odd_name_is_one_home(home: Home) -> None:
    odd = home.root.parent / "odd name 100% 'x'"
    odd.mkdir(mode=0o755)
    link = home.root.parent / "link"
    link.symlink_to(odd)
    through = Home.from_environment({"LETHE_HOME": str(link / "var")})
    direct = Home.from_environment({"LETHE_HOME": str(odd / "var")})
    try:
        server = postgres.start_server(through)
        assert postgres.is_running(direct)
        assert postgres.start_server(direct) == server
    finally:
        assert postgres.stop_server(direct)


def test_two_homes_do_not_disturb_each_other(home: Home) -> None:
    other = Home(home.root.parent / "other")
    here, there = postgres.start_server(home), postgres.start_server(other)
    try:
        assert here != there
        postgres.stop_server(home)
        assert _ask(there.dsn("postgres"), "SELECT 1") == 1
    finally:
        postgres.stop_server(other)


def test_an_error_leaves_no_value_of_a_row_in_the_servers_log(home: Home) -> None:
    server = postgres.start_server(home)
    with pytest.raises(psycopg2.errors.InvalidTextRepresentation):
        _ask(
            server.dsn("postgres"),
            "SELECT 1 FROM pg_class WHERE oid = 'ada@example.org'::text::int",
        )
    with pytest.raises(psycopg2.errors.UniqueViolation):
        _ask(
            server.dsn("postgres"),
            "CREATE TABLE a (mail text PRIMARY KEY);"
            "INSERT INTO a VALUES ('bob@example.org'), ('bob@example.org')",
        )
    log = (home.postgres / "server.log").read_text()
    assert "example.org" not in log
    assert "ready to accept connections" in log


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs under another account")
def test_under_root_the_server_is_nobody_and_a_private_folder_above_stays_private() -> None:
    folder = Path(tempfile.mkdtemp(prefix="lethe-private-"))
    home = Home(folder / "var")
    try:
        server = postgres.start_server(home)
        assert _ask(server.dsn("postgres"), "SELECT 1") == 1
        assert folder.stat().st_mode & 0o777 == 0o700
        facts = (Path("/proc") / str(_postmaster(home)) / "status").read_text()
        assert f"Uid:\t{pwd.getpwnam('nobody').pw_uid}\t" in facts
        # CAP_DAC_READ_SEARCH, or where that is not to be had CAP_DAC_OVERRIDE; nothing else.
        assert int(facts.partition("CapEff:\t")[2].split()[0], 16) in (1 << 2, 1 << 1)
    finally:
        postgres.stop_server(home)
        shutil.rmtree(folder)
