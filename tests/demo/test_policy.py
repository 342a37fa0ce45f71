"""The policy of MentorSiG fits the demo warehouse, and says of every edge case what must happen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from lethe.catalogue.graph import Graph, build_graph
from lethe.catalogue.read import read_catalogue
from lethe.erasure.steps import plan_steps
from lethe.evidence.initialise import initialise
from lethe.policy.load import LoadedPolicy, load_policy
from lethe.retention.statements import judge
from psycopg2 import sql

from demo.warehouse.cases import CASES, Expected
from demo.warehouse.load import load_warehouse

PROJECT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 3, 2)

OUTCOMES = {
    Expected.STAYS: {"active", "not yet due", "newer rows"},
    Expected.ERASED: {"due"},
    Expected.AWAITS_ARCHIVE: {"not archived"},
    Expected.REFUSED: {
        "refused: no date",
        "refused: implausible date",
        "refused: contradictory dates",
    },
    Expected.UNDECIDED: {"refused: no starting point"},
    Expected.HELD: {"held"},
    Expected.RESTRICTED: {"restricted"},
    # The age limits act on these two whatever the rules say.
    Expected.BLOCKED: {"active"},
}
BY_AGE = {"under_13", "under_18"}


@pytest.fixture(scope="module")
def loaded() -> LoadedPolicy:
    return load_policy(PROJECT / "include" / "policy" / "mentorsig.yaml")


def _bind(connection: psycopg2.extensions.connection, loaded: LoadedPolicy) -> Graph:
    graph, findings = build_graph(loaded.policy, read_catalogue(connection))
    assert findings == []
    return graph


def _decide(cursor: psycopg2.extensions.cursor, graph: Graph, rule: str, as_of: date) -> list[str]:
    statement = judge(graph, rule, as_of)
    cursor.execute(
        sql.SQL("{} SELECT key[1] || ' ' || outcome FROM decided").format(statement.text),
        statement.values,
    )
    return [row[0] for row in cursor.fetchall()]


def test_every_section_of_the_published_policy_has_its_clauses(loaded: LoadedPolicy) -> None:
    sections = {clause.section for clause in loaded.policy.clauses.values()}
    assert sections == {*map(str, range(1, 14)), "7.1"}
    for clause in loaded.policy.clauses.values():
        assert set(clause.promise) == {"en", "fr"}
    kept = {name for c in loaded.policy.clauses.values() for name in c.control.rules or ()}
    assert kept == set(loaded.policy.rules)


def test_every_table_and_every_column_of_the_warehouse_is_classified(
    new_database: Callable[[], str], loaded: LoadedPolicy
) -> None:
    dsn = new_database()
    load_warehouse(dsn, 1, as_of=AS_OF)
    with closing(psycopg2.connect(dsn)) as connection:
        catalogue = read_catalogue(connection)
    assert set(catalogue.tables) == set(loaded.policy.tables)
    for name, table in catalogue.tables.items():
        entry = loaded.policy.tables[name]
        assert set(table.columns) == set(entry.columns) | set(entry.not_personal), name


def test_the_erasure_of_every_cluster_can_be_ordered(
    new_database: Callable[[], str], loaded: LoadedPolicy
) -> None:
    dsn = new_database()
    load_warehouse(dsn, 1, as_of=AS_OF)
    with closing(psycopg2.connect(dsn)) as connection:
        graph = _bind(connection, loaded)
    for cluster in loaded.policy.clusters:
        assert plan_steps(graph, cluster)[1] == [], cluster


@pytest.mark.parametrize("as_of", [AS_OF, date(2024, 2, 29), date(2026, 10, 26)], ids=str)
def test_the_sweep_judges_every_edge_case_as_it_says(
    new_database: Callable[[], str], loaded: LoadedPolicy, as_of: date
) -> None:
    dsn = new_database()
    load_warehouse(dsn, 60, as_of=as_of)
    with closing(psycopg2.connect(dsn)) as connection:
        initialise(connection, rehearsal=True)
        graph = _bind(connection, loaded)
        with connection.cursor() as cursor:
            rows = (row.split(" ", 1) for row in _decide(cursor, graph, "account-inactive", as_of))
            decided = {int(key): outcome for key, outcome in rows}
    for case in CASES:
        for account, expected in case.expected.items():
            wanted = {"active"} if case.name in BY_AGE else OUTCOMES[expected]
            assert decided[account] in wanted, (case.name, account)


def test_every_rule_can_be_judged_and_the_demo_gives_most_of_them_something_to_do(
    new_database: Callable[[], str], loaded: LoadedPolicy
) -> None:
    dsn = new_database()
    load_warehouse(dsn, 400, as_of=AS_OF)
    idle = set()
    with closing(psycopg2.connect(dsn)) as connection:
        initialise(connection, rehearsal=True)
        graph = _bind(connection, loaded)
        for rule in loaded.policy.rules:
            with connection.cursor() as cursor:
                if not any(row.endswith(" due") for row in _decide(cursor, graph, rule, AS_OF)):
                    idle.add(rule)
    assert idle <= {
        "suppression-old",
        "survey-answer-old",
        "disclosure-old",
        "employee-left",
        "pseudonymised-line-old",
    }


def test_the_canaries_are_judged_as_they_should_be(
    new_database: Callable[[], str], loaded: LoadedPolicy
) -> None:
    dsn = new_database()
    load_warehouse(dsn, 1, as_of=AS_OF)
    with closing(psycopg2.connect(dsn)) as connection:
        initialise(connection, rehearsal=True)
        graph = _bind(connection, loaded)
        for canary in loaded.policy.guards.canaries.values():
            template = (PROJECT / "include" / canary.template).read_text(encoding="utf-8")
            with connection.cursor() as cursor:
                cursor.execute(template, {"as_of": AS_OF})
                (key,) = cursor.fetchall()[0]
                decided = _decide(cursor, graph, "account-inactive", AS_OF)
            outcome = "due" if canary.outcome == "erased" else "active"
            assert f"{key} {outcome}" in decided
            connection.rollback()
