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

from demo.platform.postgres import temporary_server
from tests.kit import make_kit as make_kit
from tests.kit import ready_database as ready_database
from tests.shop import shop as shop

PROJECT = Path(__file__).resolve().parents[1]
LONGEST_FIRST = (
    "demo/test_platform_approval.py",
    "console/test_in_airflow.py",
    "simulation/test_decade.py",
    "demo/test_platform_with_airflow.py",
    "quality/test_run.py",
    "e2e/test_chinook_archive.py",
    "reporting/mail/test_letter.py",
    "erasure/test_crashes.py",
    "archive/test_crashes.py",
    "erasure/test_kills.py",
)
"""A file is worked off by one process: one that begins late keeps the others waiting at the end."""

# Before anything imports Airflow: it would write its settings into ~/airflow, or read yours.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="lethe-test-airflow-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first; the order of the others stays."""
    places = {PROJECT / "tests" / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


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
    # The wheel's own API creates a system account for root and opens every folder above to all.
    with temporary_server() as server:
        yield server.dsn("postgres")


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
