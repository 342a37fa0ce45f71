"""Chinook, a database that we did not make, under its policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from lethe.erasure.steps import plan_steps
from lethe.policy.load import load_policy
from lethe.policy.names import TableName
from lethe.retention.check import CheckReport, check_policy
from psycopg2 import extensions

PROJECT = Path(__file__).resolve().parents[2]
POLICY = PROJECT / "examples" / "chinook" / "policy.yaml"
AS_OF = date(2026, 3, 2)


@pytest.fixture
def chinook(new_database: Callable[[], str], shared_data: Path) -> Iterator[extensions.connection]:
    """A fresh Chinook."""
    script = (shared_data / "chinook" / "chinook_postgresql.sql").read_text(encoding="utf-8")
    connection = psycopg2.connect(new_database())
    with connection.cursor() as cursor:
        cursor.execute(script.split("\\c chinook;", 1)[1])
    connection.commit()
    yield connection
    connection.close()


def check(connection: extensions.connection) -> CheckReport:
    return check_policy(connection, load_policy(POLICY), AS_OF)


def test_every_table_and_column_is_classified_and_every_row_is_covered(
    chinook: extensions.connection,
) -> None:
    report = check(chinook)
    assert [str(problem) for problem in (*report.faults, *report.alarms)] == []
    assert [str(line) for line in report.coverage if line.state != "covered"] == []
    assert report.exit_code == 0
    assert {clause.clause: clause.state for clause in report.clauses} == {
        "collected": "checked",
        "customers": "enforced",
        "employees": "enforced",
        "confidential": "organisational",
    }


def test_a_new_column_and_a_new_table_are_alarms(chinook: extensions.connection) -> None:
    with chinook.cursor() as cursor:
        cursor.execute("ALTER TABLE track ADD bought_by text; CREATE TABLE lead (email text)")
    chinook.commit()
    report = check(chinook)
    assert {problem.code for problem in report.alarms} == {"unclassified-column", "unlisted-table"}
    assert report.exit_code == 1


def test_what_points_at_an_employee_is_unlinked_and_children_go_first(
    chinook: extensions.connection,
) -> None:
    from lethe.catalogue.bind import require_bound

    graph = require_bound(chinook, load_policy(POLICY))
    employee, findings = plan_steps(graph, "employee")
    assert not findings
    assert not employee.barred
    assert {(ref.child.name, ref.columns) for _, ref in employee.unlinks} == {
        ("customer", ("support_rep_id",)),
        ("employee", ("reports_to",)),
    }
    customer, findings = plan_steps(graph, "customer")
    assert not findings
    assert [member.table for member in customer.deletes] == [
        TableName("public", name) for name in ("invoice_line", "invoice", "customer")
    ]
