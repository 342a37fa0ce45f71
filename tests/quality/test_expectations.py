"""How counts are judged: shares, numbers, and the few that every table has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from lethe.catalogue.site import Site
from lethe.cli.quality import HANDED
from lethe.quality.expectations import Expectation, rows_command
from lethe.quality.inputs import stops
from lethe.quality.night import measure_quality, run_quality
from lethe.quality.outcomes import Outcome, Report, explained

from tests.small_policy import small_policy


@pytest.mark.parametrize(
    ("failing", "concerned", "few", "kept"),
    [
        *((0, 0, 0, True), (1, 10, 0, True), (2, 10, 0, False), (20, 30, 20, True)),
        *((21, 30, 20, False), (100, 1_000, 20, True), (101, 1_000, 20, False)),
    ],
)
def test_a_share_or_a_few_may_fail(failing: int, concerned: int, few: int, kept: bool):
    made = Expectation("k", "dates", "s", "t", None, "critical", None, 0.9, few=few)
    assert made.is_kept(concerned, failing, concerned) is kept


def of_dates(dsn: str, checks: str, *, by: str = "plain") -> tuple[Report, Outcome]:
    loaded = small_policy(f"""
        subjects: {{person: {{table: public.person, key: [id]}}}}
        clusters: {{people: {{subject: person}}}}
        tables: {{public.person: {{cluster: people, columns: {{id: key, gone: date}}}}}}
        rules: {{gone: {{cluster: people, starting_point: {{latest: [{{column: gone}}]}}}}}}
        quality: {{checks: {{{checks}}}}}
    """)
    ask = run_quality if by == "gx" else measure_quality
    report = ask(Site(dsn, loaded), date(2026, 3, 2), HANDED)
    return report, next(each for each in report.outcomes if each.key == "dates.gone")


@pytest.mark.parametrize(
    ("wrong", "checks", "state"),
    [
        (5, "", "passed"),
        (20, "", "passed"),
        (21, "", "failed"),
        (5, "dates: {mostly: 0.9}", "failed"),
        (5, "dates: {few: 4}", "failed"),
        (21, "dates: {few: 50}", "passed"),
        (5, "dates: {mostly: 0.9, few: 5}", "passed"),
    ],
)
def test_a_few_wrong_dates_stop_no_rule_of_a_small_warehouse_and_many_do(
    new_database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: int,
    checks: str,
    state: str,
):
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    dsn = new_database()
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE person (id int PRIMARY KEY, gone date);"
            "INSERT INTO person SELECT n, CASE WHEN n <= %s THEN date '1970-01-01'"
            " ELSE date '2025-06-01' END FROM generate_series(1, %s) AS n",
            (wrong, wrong + 10),
        )
    connection.commit()
    connection.close()
    report, found = of_dates(dsn, checks)
    assert (found.state, found.failing, found.concerned) == (state, wrong, wrong + 10), found.says
    assert ("gone" in stops(report)) is (state == "failed")
    if state == "passed":
        assert f"though {wrong} of {wrong + 10}" in found.says
    if wrong == 20:
        assert of_dates(dsn, checks, by="gx")[1].state == state


def test_the_command_that_shows_rows_fits_a_shell():
    assert rows_command("card.crm.account") == "lethe quality rows card.crm.account"
    assert rows_command('card."a.b".c d') == """lethe quality rows 'card."a.b".c d'"""


def test_a_code_of_the_database_is_explained():
    assert explained("SQLSTATE 2201B") == "SQLSTATE 2201B: the pattern is no regular expression"
    assert explained("SQLSTATE 42501, no right on table x") == "SQLSTATE 42501, no right on table x"
    assert explained(None) is None
