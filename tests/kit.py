"""A warehouse of a few lines of DDL under a policy of a few lines of YAML, armed as a rehearsal."""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.catalogue.site import Site
from lethe.erasure.grants import needed_grants
from lethe.erasure.partitions import drop_functions
from lethe.evidence.initialise import arm, initialise
from lethe.evidence.runs import Run
from lethe.evidence.witness_opening import begin_witness
from lethe.policy.load import LoadedPolicy
from lethe.retention.plan import read_plan
from lethe.retention.sweep import run_sweep
from psycopg2 import extensions, sql

from tests.small_policy import small_policy

TODAY = date(2026, 6, 1)
_number = itertools.count()


@dataclass
class Kit:
    """A warehouse, its policy, and what a test asks of both."""

    dsn: str
    home: Path
    loaded: LoadedPolicy
    connection: extensions.connection = field(repr=False)

    @property
    def site(self) -> Site:
        return Site(self.dsn, self.loaded)

    def execute(self, text: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Do something to the warehouse as its owner, and commit."""
        with self.connection.cursor() as cursor:
            cursor.execute(text, values)
            rows = cursor.fetchall() if cursor.description else []
        self.connection.commit()
        return rows

    def connect(self) -> extensions.connection:
        return psycopg2.connect(self.dsn)

    def under(self, policy: str) -> Kit:
        """The same warehouse under another policy."""
        kit = Kit(self.dsn, self.home, small_policy(policy), self.connection)
        kit.grant()
        return kit

    def grant(self) -> None:
        """Give Lethe's roles the rights that the policy needs, and no more."""
        with self.site.connected("owner") as connection:
            graph = self.site.graph(connection)
        connection = self.connect()
        initialise(
            connection,
            rehearsal=True,
            grants=needed_grants(graph),
            functions=drop_functions(graph),
        )
        connection.close()

    def plan(self, as_of: date = TODAY) -> dict[str, dict[str, int]]:
        """Rule → outcome → subjects, read aloud."""
        return {rule.rule: dict(rule.counts) for rule in read_plan(self.site, as_of).rules}

    def sweep(self, as_of: date = TODAY, **arguments: Any) -> Run:
        """A whole night."""
        return run_sweep(self.site, as_of, **arguments)

    def outcome(self, run: Run, rule: str | None = None) -> dict[str, int]:
        """What became of the subjects that a rule planned: `erased` and each reason."""
        found: Counter[str] = Counter()
        for each in run.summary["rules"]:
            if rule in (None, each["rule"]):
                found["erased"] += each["erased"]
                found.update(each["kept"])
                found.update(each["quarantined"])
                found.update({f"refused: {why}": count for why, count in each["refused"].items()})
        return {reason: count for reason, count in found.items() if count}

    def ids(self, table: str, column: str = "id") -> list[Any]:
        """The values of a column, in order."""
        query = sql.SQL("SELECT {} FROM {} ORDER BY 1").format(
            sql.Identifier(column), sql.Identifier(*table.split("."))
        )
        return [row[0] for row in self.execute(query.as_string(self.connection))]

    def erased_tokens(self) -> list[bytes]:
        return [
            bytes(row[0])
            for row in self.execute(
                "SELECT subject_token FROM lethe.ledger WHERE kind = 'subject_erased' ORDER BY 1"
            )
        ]


MakeKit = Callable[..., Kit]


@pytest.fixture(scope="session")
def ready_database(postgres: str) -> Iterator[str]:
    """Name of a database in which Lethe is initialised as a rehearsal and armed: a template."""
    name = f"lethe_ready_{os.getpid()}_{next(_number)}"
    admin = psycopg2.connect(postgres)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection = psycopg2.connect(extensions.make_dsn(postgres, dbname=name))
    initialise(connection, rehearsal=True)
    arm(connection)
    connection.close()
    yield name
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


@pytest.fixture
def make_kit(
    postgres: str, ready_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeKit]:
    """A maker of warehouses: DDL and data, then the policy."""
    made: list[Kit] = []
    admin = psycopg2.connect(postgres)
    admin.autocommit = True

    def make(ddl: str, policy: str) -> Kit:
        name = f"kit_{os.getpid()}_{next(_number)}"
        home = tmp_path / name
        home.mkdir()
        monkeypatch.setenv("LETHE_HOME", str(home))
        monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", keys())
        with admin.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {ready_database}")
        kit = set_up(extensions.make_dsn(postgres, dbname=name), home, ddl, policy)
        made.append(kit)
        return kit

    yield make
    for kit in made:
        kit.connection.close()
        with admin.cursor() as cursor:
            name = extensions.parse_dsn(kit.dsn)["dbname"]
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


def keys() -> str:
    """A key-encryption key for tests, as Airflow's environment holds a connection."""
    return json.dumps({"conn_type": "generic", "password": base64.b64encode(b"k" * 32).decode()})


def set_up(dsn: str, home: Path, ddl: str, policy: str) -> Kit:
    """Put tables, data, policy and rights into a database where Lethe is ready."""
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(ddl)
    connection.commit()
    kit = Kit(dsn, home, small_policy(policy), connection)
    kit.grant()
    with kit.site.connected("runner") as runner:
        begin_witness(runner, "file", "witness").close()
    return kit


def snapshot(kit: Kit, tables: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of some tables, as text, in order."""
    return {
        table: kit.execute(
            sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1")
            .format(sql.Identifier(*table.split(".")))
            .as_string(kit.connection)
        )
        for table in tables
    }
