"""Processes end without a word: the sweeping one at random moments, the server in mid-run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from lethe.evidence.initialise import arm, initialise
from lethe.retention.night_guard import settle_night
from psycopg2 import extensions

from demo.platform.home import Home
from demo.platform.postgres import Server, start_server, stop_server
from tests.erasure.breakdown import DDL, POLICY, Copies, left_behind, remember_graph
from tests.kit import TODAY, Kit, MakeKit, keys, set_up

KILLS = int(os.environ.get("LETHE_TEST_KILLS", "12"))
"""How often the sweeping process is killed; tens here, hundreds where there is time."""
ACCOUNTS = 240
LARGER = DDL.replace("(1, 8)", f"(1, {ACCOUNTS})").replace("(2, 8, 3)", f"(2, {ACCOUNTS}, 3)")
LARGER = LARGER.replace("n % 8 + 1", f"n % {ACCOUNTS} + 1")


def sweep_elsewhere(kit: Kit) -> int:
    """Sweep in a process of its own; gives its number."""
    child = os.fork()
    if child:
        return child
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            kit.sweep()
        os._exit(0)
    except BaseException:
        os._exit(1)


def wait_for(child: int, at_most: float) -> int | None:
    """The exit status of a process; None while it works."""
    until = time.monotonic() + at_most
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            return None
        time.sleep(0.005)


@pytest.fixture
def copies(postgres: str, make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copies]:
    kit = make_kit(LARGER, POLICY.replace("subjects: 2}", "subjects: 7}"))
    settle_night(kit.site, TODAY)
    remember_graph(monkeypatch, kit)
    made = Copies(postgres, kit, monkeypatch)
    yield made
    made.close()


def test_a_process_that_is_killed_again_and_again_ends_as_if_undisturbed(copies: Copies) -> None:
    with copies.copy() as kit:
        started = time.monotonic()
        assert wait_for(sweep_elsewhere(kit), 120) == 0
        took = time.monotonic() - started
        expected = left_behind(kit)
    assert len(expected["ledger"]) == ACCOUNTS * 3 // 4
    chance = random.Random(4)  # noqa: S311 (no secret)
    kills = 0
    while kills < KILLS:
        with copies.copy() as kit:
            for _ in range(4):
                child = sweep_elsewhere(kit)
                if wait_for(child, chance.uniform(0.05, took)) is not None:
                    break
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                kills += 1
                if left_behind(kit) == expected:
                    break  # Killed when all was done: to begin again would be another night.
            if left_behind(kit) != expected:
                kit.sweep()
            assert left_behind(kit) == expected, f"after {kills} kills"


@pytest.fixture
def own_server() -> Iterator[tuple[Home, Server]]:
    folder = Path(tempfile.mkdtemp(prefix="lethe-pg-")).resolve()
    folder.chmod(0o755)
    home = Home(folder / "var")
    try:
        yield home, start_server(home, auth="trust", settings="fsync = off\n")
    finally:
        stop_server(home)
        shutil.rmtree(folder)


def postmaster(home: Home) -> int:
    pid_file = home.postgres / "data" / "postmaster.pid"
    return int(pid_file.read_text(encoding="ascii").splitlines()[0])


def test_a_server_that_is_killed_in_mid_run_and_started_again_loses_nothing(
    own_server: tuple[Home, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, server = own_server
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", keys())
    admin = psycopg2.connect(server.dsn("postgres"))
    admin.autocommit = True
    admin.cursor().execute("CREATE DATABASE warehouse")
    admin.close()
    dsn = extensions.make_dsn(server.dsn("warehouse"))
    connection = psycopg2.connect(dsn)
    initialise(connection, rehearsal=True)
    arm(connection)
    connection.close()
    kit = set_up(dsn, tmp_path, LARGER, POLICY)
    kit.connection.close()
    child = sweep_elsewhere(kit)
    watcher = psycopg2.connect(dsn)
    watcher.autocommit = True
    deadline = time.monotonic() + 60
    with watcher.cursor() as cursor:
        erased = 0
        while erased < 20 and time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM lethe.ledger WHERE kind = 'subject_erased'")
            (erased,) = cursor.fetchone() or (0,)
    os.kill(postmaster(home), signal.SIGKILL)
    status = wait_for(child, 60)
    watcher.close()
    assert status == 1
    start_server(home, auth="trust", settings="fsync = off\n")
    kit = Kit(dsn, tmp_path, kit.loaded, psycopg2.connect(dsn))
    run = kit.sweep()
    assert run.state == "done"
    found = left_behind(kit)
    assert len(found["ledger"]) == len({token for token, _ in found["ledger"]}) == ACCOUNTS * 3 // 4
    assert len(kit.execute("SELECT id FROM account WHERE mail IS NOT NULL")) == ACCOUNTS // 4
    assert found["unsealed"] == [(0,)]
    kit.connection.close()
