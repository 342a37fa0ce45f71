"""Airflow on this machine: its settings, its metadata, its four services."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg2

from demo.platform import mail_sink, processes
from demo.platform.credentials import APPROVER, METADATA, UI_USERS, Credentials
from demo.platform.errors import PlatformError, PortTaken
from demo.platform.home import PROJECT, Home, write_private
from demo.platform.postgres import Server
from demo.platform.rest import Api

HOST = "127.0.0.1"
DEFAULT_PORT = 8080
SERVICES: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    # The servers of task logs would listen on every address; the API server reads the files.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_READY_WITHIN_S = 240


def choose_port(home: Home) -> int:
    """Settle the port of the API server: `LETHE_PORT`, 8080 by default, as it runs if it runs.

    Raises  PortTaken if another program listens there
    """
    text = os.environ.get("LETHE_PORT") or ""
    if text and not (text.isdigit() and 0 < int(text) < 65536):
        raise PlatformError(f"LETHE_PORT={text} is no port; give a number from 1 to 65535")
    wanted = int(text or DEFAULT_PORT)
    note = home.run / "port"
    if "api-server" in processes.services(home) and note.exists():
        current = int(note.read_text())
        if text and current != wanted:
            raise PlatformError(
                f"the platform runs on port {current}; make down first to move it to {wanted}"
            )
        return current
    if mail_sink.is_listening(wanted):
        free = next(each for each in range(wanted + 1, 65536) if not mail_sink.is_listening(each))
        raise PortTaken(
            f"port {wanted} of this machine is taken by another program; choose a free one with "
            f"LETHE_PORT, for instance: export LETHE_PORT={free}"
        )
    write_private(note, f"{wanted}\n")
    return wanted


def environment(home: Home) -> dict[str, str]:
    """Make the environment of every process of the platform.

    Settings and connections of another Airflow on this machine do not get in: a stray
    AIRFLOW_CONN_LETHE_WAREHOUSE must not make a demo work on somebody's real warehouse.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW_", "_AIRFLOW", "PG")) and name not in _STRAY
    }
    local = f"{HOST},localhost"
    proxies = ",".join(filter(None, (kept.get("no_proxy") or kept.get("NO_PROXY"), local)))
    return kept | {
        "AIRFLOW_HOME": str(home.airflow),
        "LETHE_HOME": str(home.root),
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(PROJECT / "plugins"),
        "GX_ANALYTICS_ENABLED": "false",
        "no_proxy": proxies,
        "NO_PROXY": proxies,
    }


# Without bytecode every task would compile Lethe anew.
_STRAY = frozenset(
    {
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "VIRTUAL_ENV",
        "LETHE_DSN",
    }
)


def write_settings(home: Home, server: Server, credentials: Credentials, port: int) -> None:
    """Write `airflow.cfg`: only what differs from Airflow's own defaults."""
    for folder in (home.airflow, home.logs / "tasks"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    address = f"http://{HOST}:{port}"
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": os.environ.get("LETHE_DAGS") or PROJECT / "dags",
            "plugins_folder": PROJECT / "plugins",
            "executor": "LocalExecutor",
            "parallelism": min(16, 2 * (os.cpu_count() or 2)),
            "load_examples": False,
            "dags_are_paused_at_creation": True,
            # A demo should fail, or heal, while somebody watches: the default is five minutes.
            "default_task_retry_delay": 10,
            "hostname_callable": "socket.gethostname",
            "fernet_key": credentials.airflow["fernet_key"],
            "execution_api_server_url": f"{address}/execution/",
            "auth_manager": "lethe_sign_in.ApproverAuthManager",
            "simple_auth_manager_users": ",".join(f"{n}:{r}" for n, r in UI_USERS.items()),
            "simple_auth_manager_passwords_file": home.secrets / "ui-users.json",
            "simple_auth_manager_all_admins": False,
        },
        "lethe": {"approvers": APPROVER},
        "database": {
            "sql_alchemy_conn": server.sqlalchemy_url(
                METADATA, METADATA, credentials.roles[METADATA]
            ),
        },
        "secrets": {
            "backend": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
            "backend_kwargs": json.dumps(
                {"connections_file_path": str(home.secrets / "connections.json")}
            ),
        },
        "api": {
            "host": HOST,
            "port": port,
            "base_url": address,
            "workers": 1,
            "secret_key": credentials.airflow["api_secret_key"],
            "expose_config": False,
            "instance_name": "Lethe",
        },
        "api_auth": {"jwt_secret": credentials.airflow["jwt_secret"]},
        # The first call of a cold start took 6 s; the default of 5 s fails the first task.
        "workers": {"execution_api_timeout": 60},
        # After a kill -9 the orphaned task is noticed within half a minute, not after five.
        "scheduler": {
            "orphaned_tasks_check_interval": 15,
            "task_instance_heartbeat_sec": 5,
            "task_instance_heartbeat_timeout": 30,
            "task_instance_heartbeat_timeout_detection_interval": 5,
        },
        "dag_processor": {"parsing_processes": 1, "refresh_interval": 60},
        "logging": {"base_log_folder": home.logs / "tasks"},
    }
    lines = ["# Written at every start by demo/platform/airflow_services.py."]
    for section, settings in sections.items():
        lines.append(f"\n[{section}]")
        lines += [f"{key} = {str(value).replace('%', '%%')}" for key, value in settings.items()]
    write_private(home.airflow / "airflow.cfg", "\n".join(lines) + "\n")


def migrate(home: Home, server: Server, credentials: Credentials) -> None:
    """Create or migrate Airflow's metadata; quick when this very database is up to date."""
    note = home.run / "airflow-metadata"
    dsn = server.dsn(METADATA, METADATA, credentials.roles[METADATA])
    if note.exists() and note.read_text() == _metadata_state(dsn):
        return
    run_airflow(home, "db", "migrate", log="db-migrate")
    write_private(note, _metadata_state(dsn))


def _metadata_state(dsn: str) -> str:
    """Say which database this is, at which revision, and which lock it was migrated with."""
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
            if cursor.fetchone() != (True,):
                return "empty"
            cursor.execute(
                "SELECT oid::text, (SELECT string_agg(version_num, ',') FROM alembic_version)"
                " FROM pg_database WHERE datname = current_database()"
            )
            row = cursor.fetchone() or ()
    finally:
        connection.close()
    from importlib.metadata import version

    return " ".join([version("apache-airflow-core"), *map(str, row)])


def run_airflow(home: Home, *arguments: str, log: str) -> None:
    """Run one `airflow` command to its end; its words go to a log."""
    path = home.logs / f"{log}.log"
    with path.open("wb") as words:
        done = subprocess.run(
            [str(Path(sys.prefix) / "bin" / "airflow"), *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=environment(home) | {processes.MARK: str(home.root), processes.SERVICE: log},
            cwd=home.airflow,
        )
    if done.returncode:
        raise PlatformError(f"airflow {' '.join(arguments)} failed:\n{last_lines(path)}")


def start_services(home: Home) -> list[str]:
    """Start those services of Airflow that do not run; returns their names."""
    alive = processes.services(home)
    missing = [name for name in SERVICES if name not in alive]
    processes.stop(home, missing, grace_s=5)
    airflow = str(Path(sys.prefix) / "bin" / "airflow")
    for name in missing:
        processes.start(home, name, [airflow, *SERVICES[name]], environment(home), home.airflow)
    return missing


def wait_until_ready(home: Home, api: Api, tell: Callable[[str], None]) -> None:
    """Wait until all four services report themselves healthy.

    tell    is given a line whenever what is awaited changes
    Raises  PlatformError with the last lines of the service that ended or never came
    """
    deadline = time.monotonic() + _READY_WITHIN_S
    told = ""
    while awaited := _awaited(api):
        alive = processes.services(home)
        for name in SERVICES:
            if name not in alive:
                raise PlatformError(
                    f"Airflow's {name} ended:\n{last_lines(home.logs / f'{name}.log')}"
                )
        if time.monotonic() > deadline:
            raise PlatformError(
                f"Airflow's {awaited[0]} was not ready within {_READY_WITHIN_S} s:\n"
                + last_lines(home.logs / f"{awaited[0]}.log")
            )
        line = ", ".join(awaited)
        if line != told:
            tell(f"waiting for {line}")
            told = line
        time.sleep(0.5)


def _awaited(api: Api) -> list[str]:
    health = api.health()
    if health is None:
        return list(SERVICES)
    parts = {"scheduler": "scheduler", "dag_processor": "dag-processor", "triggerer": "triggerer"}
    return [
        service
        for part, service in parts.items()
        if (health.get(part) or {}).get("status") != "healthy"
    ]


def last_lines(path: Path, count: int = 12) -> str:
    """Quote the end of a log."""
    try:
        lines = path.read_text(errors="replace").strip().splitlines()[-count:]
    except OSError:
        lines = ["(no log)"]
    return "\n".join(["  " + line for line in lines] + [f"  (all of it: {path})"])
