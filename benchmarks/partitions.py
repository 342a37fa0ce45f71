"""A partition that lies wholly past its period: dropped with evidence, or its rows deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
from lethe.catalogue.site import Site
from lethe.erasure import drop
from lethe.retention import night_work
from lethe.retention.night_guard import guard_night, settle_night
from lethe.retention.plan import freeze_plan

from benchmarks.contenders import AS_OF, set_up_lethe
from benchmarks.report import Figure, Report, at_least
from benchmarks.server import Server

POLICY = Path(__file__).with_name("log.yaml")
TABLE = """
CREATE SCHEMA web;
CREATE TABLE web.line (line_id bigint, seen_at timestamptz, address inet, request text,
                       status int, PRIMARY KEY (line_id, seen_at)) PARTITION BY RANGE (seen_at);
CREATE TABLE web.line_old PARTITION OF web.line FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE web.line_new PARTITION OF web.line FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO web.line
SELECT i, timestamptz '2020-02-01' + i * interval '20 seconds', '192.0.2.1',
       'GET /a/page/of/the/shop?number=' || i, 200
FROM generate_series(1, %(lines)s) AS i;
INSERT INTO web.line SELECT i, '2026-03-01', '192.0.2.1', 'GET /', 200
FROM generate_series(1, 999) AS i;
"""


def measure_partitions(server: Server, home: Path, lines: int, report: Report) -> None:
    """Drop one partition of some lines, and delete the same lines, each on its own copy."""
    base = server.create("lines")
    connection = psycopg2.connect(base)
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLE, {"lines": lines})
    connection.close()
    took = {
        "dropped, with count and digest": _on_copy(server, home, _drop(with_digest=True)),
        "dropped, with count": _on_copy(server, home, _drop(with_digest=False)),
        "its rows erased singly by Lethe": _on_copy(server, home, _singly),
        "its rows deleted by one statement, no evidence": _by_hand(server),
    }
    server.drop("lines")
    report.tables[f"One partition of {lines:,} rows, seconds"] = [
        {"way": name, "seconds": round(seconds, 2)} for name, seconds in took.items()
    ]
    digest, plain, singly, by_hand = took.values()
    report.figures += [
        at_least("partition dropped with digest / rows erased", singly / digest, 2),
        at_least("partition dropped without digest / rows erased", singly / plain, 5),
        Figure("… with digest / one DELETE by hand", by_hand / digest),
        Figure("… without digest / one DELETE by hand", by_hand / plain),
    ]


def _on_copy(server: Server, home: Path, act: Callable[[Site], float]) -> float:
    dsn = server.create("line_copy", "lines")
    try:
        site = set_up_lethe(dsn, home, POLICY)
        settle_night(site, AS_OF)
        return act(site)
    finally:
        server.drop("line_copy")


def _drop(*, with_digest: bool) -> Callable[[Site], float]:
    def act(site: Site) -> float:
        real = drop.drop_partitions
        night_work.drop_partitions = lambda *a, **more: real(*a, **more, with_digest=with_digest)
        try:
            return _erase(site)
        finally:
            night_work.drop_partitions = real

    return act


def _singly(site: Site) -> float:
    real = night_work.drop_partitions
    night_work.drop_partitions = lambda *_, **__: drop.Dropped()
    try:
        return _erase(site)
    finally:
        night_work.drop_partitions = real


def _erase(site: Site) -> float:
    run_id = freeze_plan(site, AS_OF)
    guard_night(site, run_id)
    started = time.perf_counter()
    night_work.erase_rule(site, run_id, "old")
    return time.perf_counter() - started


def _by_hand(server: Server) -> float:
    dsn = server.create("line_copy", "lines")
    connection = psycopg2.connect(dsn)
    started = time.perf_counter()
    with connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM web.line WHERE seen_at < '2024-01-01'")
    took = time.perf_counter() - started
    connection.close()
    server.drop("line_copy")
    return took
