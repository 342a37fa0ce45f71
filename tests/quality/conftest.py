"""The demo warehouse, made once, swept once: what a clean night leaves behind."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.catalogue.site import Site
from lethe.cli.quality import HANDED
from lethe.erasure.grants import needed_grants
from lethe.evidence.initialise import arm, initialise
from lethe.evidence.witness_opening import begin_witness
from lethe.policy.load import load_policy
from lethe.quality.night import measure_quality, run_quality
from lethe.quality.outcomes import Outcome, Report
from lethe.retention.sweep import run_sweep
from psycopg2 import extensions

from demo.warehouse.load import load_warehouse
from tests.kit import keys

PROJECT = Path(__file__).resolve().parents[2]
POLICY = PROJECT / "include" / "policy" / "mentorsig.yaml"
AS_OF = date(2026, 3, 2)
_number = itertools.count()


@dataclass
class Demo:
    """A warehouse of its own for a test."""

    dsn: str
    site: Site

    def execute(self, text: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Do something as the owner, without triggers and foreign keys in the way."""
        connection = psycopg2.connect(self.dsn)
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(text, values)
            rows = cursor.fetchall() if cursor.description else []
        connection.commit()
        connection.close()
        return rows

    def ask(self, as_of: date = AS_OF) -> Report:
        """Every expectation, in plain SQL."""
        return measure_quality(self.site, as_of, HANDED)

    def run(self, as_of: date = AS_OF, **arguments: Any) -> Report:
        """Every expectation, by Great Expectations."""
        return run_quality(self.site, as_of, HANDED, **arguments)

    def outcome(self, key: str, as_of: date = AS_OF) -> Outcome:
        return outcome(self.ask(as_of), key)


def outcome(report: Report, key: str) -> Outcome:
    """One outcome of a report."""
    return next(each for each in report.outcomes if each.key == key)


@pytest.fixture(scope="module")
def swept(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A demo database on the morning after its sweep, by name, and its home: templates."""
    home = tmp_path_factory.mktemp("home")
    name = f"swept_{next(_number)}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LETHE_HOME", str(home))
        patch.setenv("AIRFLOW_CONN_LETHE_KEYS", keys())
        _admin(postgres, f"CREATE DATABASE {name}")
        dsn = extensions.make_dsn(postgres, dbname=name)
        load_warehouse(dsn, 150, as_of=AS_OF)
        site = Site(dsn, load_policy(str(POLICY)))
        initialise(psycopg2.connect(dsn), rehearsal=True)
        with site.connected("owner") as connection:
            grants = needed_grants(site.graph(connection))
        initialise(psycopg2.connect(dsn), rehearsal=True, grants=grants)
        arm(psycopg2.connect(dsn))
        with site.connected("runner") as runner:
            begin_witness(runner, "file", "witness").close()
        run_sweep(site, AS_OF)
        pseudonymise_orders(dsn)
        yield name, home
    _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def pseudonymise_orders(dsn: str) -> None:
    """What the night of the logs leaves: no address older than half a year that can be read."""
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE commerce."order" SET ip = ('fd00::' || to_hex(order_id) || '/127')::inet"""
            " WHERE ordered_at < %s::date - interval '5 months'",
            (AS_OF,),
        )
    connection.commit()
    connection.close()


@pytest.fixture
def demo(
    postgres: str, swept: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Demo]:
    """A copy of the swept demo."""
    name = f"demo_{next(_number)}"
    template, home = swept
    shutil.copytree(home, tmp_path / "home")
    monkeypatch.setenv("LETHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", keys())
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'"
    _admin(postgres, end)
    _admin(postgres, f"CREATE DATABASE {name} TEMPLATE {template}")
    dsn = extensions.make_dsn(postgres, dbname=name)
    yield Demo(dsn, Site(dsn, load_policy(str(POLICY))))
    _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def module_database(postgres: str) -> Iterator[Callable[[], str]]:
    """A maker of empty databases that live as long as the file of tests."""
    made: list[str] = []

    def make() -> str:
        name = f"unknown_{next(_number)}"
        _admin(postgres, f"CREATE DATABASE {name}")
        made.append(name)
        return extensions.make_dsn(postgres, dbname=name)

    yield make
    for name in made:
        _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _admin(dsn: str, text: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(text)
    connection.close()
