"""The benchmark of the sweep compares like with like: everybody erases the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from benchmarks.__main__ import names
from benchmarks.contenders import (
    Erasure,
    at_once,
    by_cascade,
    erase_with_lethe,
    in_batches,
    make_cascading,
    set_up_lethe,
)
from benchmarks.load import Operation, span
from benchmarks.orm import through_orm
from benchmarks.report import Report, at_least, at_most
from benchmarks.shop import ROWS, count_rows, digest_rows, fill_shop

ACCOUNTS, DUE = 600, 30


@pytest.fixture
def copies(
    new_database: Callable[[], str],
    postgres: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], str]]:
    """A maker of copies of one small shop."""
    for name in ("LETHE_HOME", "AIRFLOW_CONN_LETHE_KEYS"):
        monkeypatch.setenv(name, str(tmp_path))
    base = new_database()
    fill_shop(base, ACCOUNTS, DUE)
    template = psycopg2.extensions.parse_dsn(base)["dbname"]
    made: list[str] = []

    def copy() -> str:
        name = f"{template}_copy_{len(made)}"
        _run(postgres, "CREATE DATABASE {} TEMPLATE {}", name, template)
        made.append(name)
        return psycopg2.extensions.make_dsn(postgres, dbname=name)

    yield copy
    for name in made:
        _run(postgres, "DROP DATABASE {} WITH (FORCE)", name)


def _run(dsn: str, text: str, *names: str) -> None:
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def _cascading(dsn: str) -> Erasure:
    make_cascading(dsn)
    return by_cascade(dsn)


def test_every_contender_erases_exactly_the_same_rows(
    copies: Callable[[], str], tmp_path: Path
) -> None:
    contenders: dict[str, Callable[[str], Erasure]] = {
        "Lethe": lambda dsn: erase_with_lethe(set_up_lethe(dsn, tmp_path)),
        "two workers": lambda dsn: erase_with_lethe(set_up_lethe(dsn, tmp_path), workers=2),
        "batches": lambda dsn: in_batches(dsn, size=7),
        "once": at_once,
        "cascade": _cascading,
        "orm": through_orm,
    }
    before = digest_rows(copies())
    left = {}
    for name, contender in contenders.items():
        dsn = copies()
        done = contender(dsn)
        left[name] = digest_rows(dsn)
        assert count_rows(dsn) == {
            table: (ACCOUNTS - DUE) * rows for table, rows in ROWS.items()
        }, name
        assert (done.subjects, done.rows) == (DUE, DUE * sum(ROWS.values())), name
        assert done.transactions, name
        assert done.execution_s > 0, name
    assert len({json.dumps(found) for found in left.values()}) == 1
    assert before != left["Lethe"]


def test_a_load_counts_what_was_due_and_never_finished() -> None:
    operations = [Operation("read", at / 10, at / 10 + 0.001) for at in range(10)]
    operations += [Operation("update", 0.5, None), Operation("update", 0.6, 1.5)]
    operations += [Operation("update", 7.0, 7.1)]
    found = span(operations, 0.0, 1.0)
    assert found.share == pytest.approx(10 / 12)
    assert found.read_p99_ms == pytest.approx(1.0)
    assert found.update_p99_ms == pytest.approx(900.0)


def test_a_figure_on_its_limit_is_met_and_one_beyond_is_not() -> None:
    assert at_least("rate", 0.8, 0.8).met
    assert not at_least("rate", 0.79, 0.8).met
    assert at_most("wait", 3, 3).met
    assert not at_most("wait", 3.01, 3).met


def test_a_report_is_written_as_json(tmp_path: Path) -> None:
    report = Report("sweep", {"accounts": 1}, [at_least("rate", 1.0, 0.8)])
    written = json.loads(report.write(tmp_path / "bench").read_text(encoding="utf-8"))
    assert written["figures"][0]["target"] == "≥ 0.8"
    assert "sweep" in names()
