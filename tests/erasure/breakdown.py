"""A sweep that breaks at the n-th thing it says to the warehouse, and what it leaves behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import psycopg2
import pytest
from lethe.catalogue.graph import Graph
from lethe.catalogue.site import Site
from psycopg2 import extensions

from tests.kit import Kit, snapshot

TABLES = ("account", "contact", "account_contact", "invoice", "click", "basket", "line")
DDL = """
CREATE TABLE account (id int PRIMARY KEY, mail text, ended_on date);
CREATE TABLE contact (id int PRIMARY KEY, name text);
CREATE TABLE account_contact (account_id int REFERENCES account, contact_id int REFERENCES contact);
CREATE TABLE invoice (id int PRIMARY KEY, account_id int REFERENCES account, payer text);
CREATE TABLE click (id int, account_id int);
CREATE TABLE basket (id int PRIMARY KEY, account_id int REFERENCES account);
CREATE TABLE line (id int, basket_id int REFERENCES basket ON DELETE CASCADE, added_on date);
INSERT INTO account SELECT n, n || '@x.invalid', CASE WHEN n % 4 = 0 THEN date '2026-01-01'
    ELSE date '2019-12-31' + n END FROM generate_series(1, 8) AS n;
INSERT INTO contact SELECT n, 'c' || n FROM generate_series(1, 8) AS n;
INSERT INTO account_contact SELECT n, n FROM generate_series(1, 8) AS n;
INSERT INTO account_contact SELECT n, n % 8 + 1 FROM generate_series(1, 8) AS n;
INSERT INTO invoice SELECT n, n, 'p' || n FROM generate_series(2, 8, 3) AS n;
INSERT INTO click SELECT n, n FROM generate_series(1, 8) AS n;
INSERT INTO basket SELECT n, n FROM generate_series(1, 8) AS n;
INSERT INTO line SELECT n, n, '2019-01-01' FROM generate_series(1, 8) AS n;
"""
POLICY = """
subjects: {account: {table: public.account, key: id, identifiers: {mail: mail}}}
clusters: {c: {subject: account}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.account:
    cluster: c
    columns: {mail: identifier}
    not_personal: [id, ended_on]
    when_due: skeleton
  public.contact:
    cluster: c
    links: [{columns: id, to: public.account_contact, references: contact_id}]
  public.account_contact: {cluster: c, links: [{columns: account_id, to: public.account}]}
  public.invoice:
    cluster: c
    columns: {payer: name}
    not_personal: [id, account_id]
    when_due: {do: keep, blank: [payer], because: books}
  public.click: {cluster: c, links: [{columns: account_id, to: public.account, references: id}]}
  public.basket: {cluster: c}
  public.line: {cluster: c, activity: added_on}
guards: {batches: {subjects: 2}}
"""


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Fuse:
    """Counts what is said to the warehouse, and breaks everything at the n-th."""

    def __init__(self, limit: int | None, *, by_server: bool = False) -> None:
        self.limit = limit
        self.count = 0
        self.by_server = by_server
        self.dead = False
        self.connections: list[extensions.connection] = []
        self._counting = Lock()

    def tick(self, connection: extensions.connection) -> None:
        with self._counting:
            if self.dead:
                raise Killed
            self.count += 1
            if self.count != self.limit:
                return
            if not self.by_server:
                self.dead = True
                raise Killed
        terminate(connection)


def terminate(connection: extensions.connection) -> None:
    """Let the server end a session, as an administrator would."""
    pid = connection.info.backend_pid
    dsn = connection.dsn
    admin = psycopg2.connect(dsn)
    admin.autocommit = True
    admin.cursor().execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    admin.close()


@contextmanager
def fused(monkeypatch: pytest.MonkeyPatch, fuse: Fuse) -> Iterator[None]:
    """Every connection that Lethe opens meanwhile goes through the fuse."""

    class Cursor(extensions.cursor):
        def execute(self, query: Any, values: Any = None) -> None:
            fuse.tick(self.connection)
            super().execute(query, values)

        def copy_expert(self, *arguments: Any, **more: Any) -> None:
            fuse.tick(self.connection)
            super().copy_expert(*arguments, **more)

    class Connection(extensions.connection):
        def cursor(self, *arguments: Any, **more: Any) -> Any:
            more.setdefault("cursor_factory", Cursor)
            return super().cursor(*arguments, **more)

        def commit(self) -> None:
            fuse.tick(self)
            super().commit()
            fuse.tick(self)

        def rollback(self) -> None:
            if not fuse.dead:
                super().rollback()

    connect = psycopg2.connect

    def through_fuse(*arguments: Any, **settings: Any) -> extensions.connection:
        opened: extensions.connection = connect(
            *arguments, connection_factory=Connection, **settings
        )
        fuse.connections.append(opened)
        return opened

    with monkeypatch.context() as patched:
        patched.setattr("lethe.connections.psycopg2.connect", through_fuse)
        try:
            yield
        finally:
            for each in fuse.connections:
                extensions.connection.close(each)


def remember_graph(monkeypatch: pytest.MonkeyPatch, kit: Kit) -> None:
    """Read the catalogue once: it is read all over a sweep, and here it never changes."""
    with kit.site.connected("owner") as connection:
        graph = kit.site.graph(connection)

    def remembered(self: Site, connection: extensions.connection) -> Graph:
        return graph

    monkeypatch.setattr(Site, "graph", remembered)


class Copies:
    """Copies of a ready warehouse with its home, as often as wanted."""

    def __init__(self, postgres: str, kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
        self._kit = kit
        self._name = extensions.parse_dsn(kit.dsn)["dbname"]
        self._monkeypatch = monkeypatch
        self._admin = psycopg2.connect(postgres)
        self._admin.autocommit = True
        self._number = 0
        kit.connection.close()

    @contextmanager
    def copy(self) -> Iterator[Kit]:
        self._number += 1
        name = f"{self._name}_{self._number}"
        home = self._kit.home.with_name(name)
        shutil.copytree(self._kit.home, home)
        with self._admin.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {self._name}")
        dsn = extensions.make_dsn(self._kit.dsn, dbname=name)
        self._monkeypatch.setenv("LETHE_HOME", str(home))
        kit = Kit(dsn, home, self._kit.loaded, psycopg2.connect(dsn))
        try:
            yield kit
        finally:
            kit.connection.close()
            with self._admin.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            shutil.rmtree(home)

    def close(self) -> None:
        self._admin.close()


def left_behind(kit: Kit) -> dict[str, Any]:
    """Data, ledger by subject, tombstones and skeletons, without ids and times."""
    ledger = kit.execute(
        "SELECT subject_token::text, payload - 'blinding' FROM lethe.ledger"
        " WHERE kind = 'subject_erased'"
    )
    return {
        "data": snapshot(kit, TABLES),
        "ledger": sorted((token, json.dumps(payload, sort_keys=True)) for token, payload in ledger),
        "closings": kit.execute("SELECT count(*) FROM lethe.ledger WHERE kind = 'sweep_closed'"),
        "tombstones": kit.execute(
            "SELECT token::text, kind, subject_kind, identifier, subject_token::text,"
            " starting_point::text FROM lethe.tombstone ORDER BY 1, 2, 3, 4"
        ),
        "skeletons": kit.execute(
            "SELECT subject_kind, cluster, key, erased_on FROM lethe.skeleton ORDER BY 1, 2, 3"
        ),
        "unsealed": kit.execute(
            "SELECT count(*) FROM lethe.ledger_batch AS b WHERE NOT EXISTS"
            " (SELECT FROM lethe.ledger_sealing AS s WHERE s.batch = b.batch)"
        ),
        "open": kit.execute(
            "SELECT count(*) FROM lethe.run WHERE state NOT IN ('done', 'superseded')"
        ),
        "subjects": kit.execute("SELECT count(*) FROM lethe.plan_subject"),
    }
