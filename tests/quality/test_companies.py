"""Companies unlike the demo: every planted defect is found, and nothing on the clean warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml
from lethe.catalogue.site import Site
from lethe.cli.quality import HANDED
from lethe.policy.load import load_policy
from lethe.quality.night import measure_quality, prepare
from lethe.quality.outcomes import Report
from lethe.quality.rows import rows_of

AS_OF = date(2026, 3, 2)
COMPANIES = Path(__file__).parent / "companies"
NAMES = sorted(path.name for path in COMPANIES.iterdir() if path.is_dir())


class Company:
    """A warehouse, clean and then with every defect in it."""

    def __init__(self, name: str, dsn: str) -> None:
        folder = COMPANIES / name
        self.dsn = dsn
        self.site = Site(dsn, load_policy(str(folder / "policy.yaml")))
        self.defects = yaml.safe_load((folder / "defects.yaml").read_text(encoding="utf-8"))
        self._execute((folder / "warehouse.sql").read_text(encoding="utf-8"))
        self.clean = measure_quality(self.site, AS_OF, HANDED)
        for each in self.defects:
            self._execute(each["sql"])
        self.planted = measure_quality(self.site, AS_OF, HANDED)

    def _execute(self, text: str) -> None:
        connection = psycopg2.connect(self.dsn)
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(text)
        connection.commit()
        connection.close()


@pytest.fixture(scope="module", params=NAMES)
def company(
    request: pytest.FixtureRequest,
    module_database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Company]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LETHE_HOME", str(tmp_path_factory.mktemp("home")))
        yield Company(request.param, module_database())


def said(report: Report) -> dict[str, str]:
    return {each.key: each.says for each in report.bad}


def test_a_clean_warehouse_raises_no_alarm(company: Company):
    assert said(company.clean) == {}


def test_every_planted_defect_is_found(company: Company):
    wanted = Counter(each["finds"] for each in company.defects)
    found: dict[str, Any] = {each.key: each for each in company.planted.outcomes}
    missed = {
        key: found[key].says if key in found else "no such expectation"
        for key, number in wanted.items()
        if key not in found or found[key].state != "failed" or found[key].failing < number
    }
    assert missed == {}
    assert len(company.defects) >= 30


def test_the_rows_of_a_defect_are_shown_by_keys_and_by_sql_that_runs(company: Company):
    reader = psycopg2.connect(company.dsn)
    found = {each.key: each for each in company.planted.bad}
    # One of each kind: a scan shared by several, rows of its own, links, a statement, a series.
    chosen = {each.kind: each for each in found.values() if each.kind != "extra"}
    some = [*chosen.values(), *(each for each in found.values() if each.kind == "extra")]
    with company.site.connected("planner") as connection, reader.cursor() as cursor:
        prepared = prepare(company.site, connection, AS_OF, HANDED)
        for each in some:
            rows = rows_of(connection, prepared, each.key, limit=5_000)
            assert rows.keys == () or len(rows.keys) == each.failing, each.key
            cursor.execute(rows.sql.rstrip(";"))
            assert len(cursor.fetchall()) == each.failing, each.key
    reader.close()
