"""The demo's steps inside containers, where PostgreSQL and Airflow are other containers.

python -m demo.platform.containers prepare    databases, roles and passwords
python -m demo.platform.containers fill       the demo warehouse
python -m demo.platform.containers night      the night, and its summary

Passwords come from the environment: `PGPASSWORD` of the superuser and `LETHE_PASSWORD_<NAME>`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
from psycopg2.extensions import make_dsn

from demo.platform.bootstrap import PROJECT
from demo.platform.credentials import LOADER, METADATA, WAREHOUSE, WAREHOUSE_CONNECTIONS
from demo.platform.databases import drop_warehouse, prepare_databases
from demo.platform.demo_data import fill_warehouse
from demo.platform.display import Display
from demo.platform.errors import PlatformError
from demo.platform.home import Home
from demo.platform.night import failed_task_log, nightly_dags, run_night
from demo.platform.rest import Api
from demo.platform.summary import new_reports, show_summary

ADDRESS = "http://api-server:8080"
DAGS = Path("/opt/airflow/dags")
_READY_WITHIN_S = 300


def main(arguments: list[str]) -> int:
    """Run one step; the host and superuser of PostgreSQL are in PGHOST, PGUSER, PGPASSWORD."""
    display = Display()
    steps = {"prepare": prepare, "fill": fill, "night": night}
    if len(arguments) != 1 or arguments[0] not in steps:
        display.console.print(f"usage: python -m demo.platform.containers {'|'.join(steps)}")
        return 2
    try:
        return steps[arguments[0]](display)
    except (PlatformError, psycopg2.OperationalError) as error:
        display.console.print(f"Stopped: {error}", markup=False, soft_wrap=True)
        return 3


def prepare(display: Display) -> int:
    """Make the databases and the roles, each with its password from the environment."""
    with display.stage("Databases and roles"):
        _prepare()
    return 0


def fill(display: Display) -> int:
    """Load the demo warehouse."""

    def empty() -> None:
        drop_warehouse(make_dsn(dbname="postgres"))
        _prepare()

    dsn = make_dsn(dbname=WAREHOUSE, user=LOADER, password=_password(LOADER))
    with display.stage("Demo warehouse") as outcome:
        outcome.append(fill_warehouse(dsn, empty, display.tell))
    return 0


def night(display: Display) -> int:
    """Run the night through the containers' scheduler."""
    since = time.time()
    _make_recovery_key(Home.from_environment())
    api = Api(ADDRESS, "engineer", _password("engineer"))
    with display.stage("Airflow is getting ready"):
        _wait_until_healthy(api)
    with display.stage("The night"):
        runs = run_night(api, nightly_dags(DAGS), display.watch)
    failed = [run for run in runs if run.failed]
    for run in failed:
        display.console.print(failed_task_log(api, run), markup=False, soft_wrap=True)
    home = Home.from_environment()
    reports = new_reports(home, since)
    show_summary(display.console, home, runs, display.elapsed_s(), reports, since)
    return 1 if failed or not runs else 0


def _prepare() -> None:
    logins = [METADATA, LOADER, *(login for login, _ in WAREHOUSE_CONNECTIONS.values())]
    prepare_databases(make_dsn(dbname="postgres"), {name: _password(name) for name in logins})


def _password(name: str) -> str:
    variable = f"LETHE_PASSWORD_{name.removeprefix('demo_').upper()}"
    try:
        return os.environ[variable]
    except KeyError as error:
        raise PlatformError(f"{variable} is not set; make env writes a .env with all") from error


def _make_recovery_key(home: Home) -> None:
    """Make the archive's recovery key once; only in a demo may its private half stay here."""
    folder = home.root / "recovery"
    if (folder / "archive.pem").is_file():
        return
    private = folder / "private-half-of-the-demo.pem"
    command = [str(PROJECT / "bin" / "lethe"), "archive", "recovery-key", "--private", str(private)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise PlatformError(f"the recovery key was not made: {done.stderr.strip()}")


def _wait_until_healthy(api: Api) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        health = api.health() or {}
        parts = [health.get(name) or {} for name in ("scheduler", "dag_processor", "triggerer")]
        if all(part.get("status") == "healthy" for part in parts):
            return
        time.sleep(2)
    raise PlatformError(f"Airflow at {ADDRESS} was not healthy within {_READY_WITHIN_S} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
