"""Chinook, a database that we did not make, under its policy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

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
        "invoices": "enforced",
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


def lethe(home: Path, *arguments: str) -> tuple[int, Any]:
    """Call the command line as a person would; gives exit code and JSON document."""
    done = subprocess.run(
        [sys.executable, "-m", "lethe.cli", *arguments, "--policy", str(POLICY), "--json"],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")},
            "PYTHONPATH": str(PROJECT / "plugins"),
            "LETHE_HOME": str(home),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def left(connection: extensions.connection) -> dict[str, int]:
    """Rows of the personal tables."""
    found = {}
    with connection.cursor() as cursor:
        for table in ("customer", "invoice", "invoice_line", "employee"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = int((cursor.fetchone() or (0,))[0])
    connection.commit()
    return found


def customers_due(connection: extensions.connection, as_of: str) -> set[int]:
    """An answer of our own: whose latest invoice is more than a year before the day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id FROM invoice GROUP BY 1"
            " HAVING (max(invoice_date) + interval '1 year')::date < %s",
            (as_of,),
        )
        due = {int(row[0]) for row in cursor.fetchall()}
    connection.commit()
    return due


def test_the_command_line_checks_plans_sweeps_and_finds_nothing_left(
    chinook: extensions.connection, tmp_path: Path
) -> None:
    dsn = chinook.dsn
    common = ("--dsn", dsn, "--as-of", "2026-11-01")
    assert lethe(tmp_path, "policy", "check", *common)[0] == 0
    code, made = lethe(tmp_path, "init", "--rehearsal", "--arm", *common)
    assert (code, made["armed"], made["rehearsal"]) == (0, True, True)

    due = customers_due(chinook, "2026-11-01")
    assert 0 < len(due) < 59, "some are due on that day, not all"
    code, plan = lethe(tmp_path, "sweep", "plan", *common)
    assert (code, plan["rules"][0]["due"]) == (0, 0), "no invoice is archived yet"
    before = left(chinook)
    assert before["customer"] == 59, "a plan touches nothing"

    assert lethe(tmp_path, "archive", "run", *common)[0] == 0

    code, done = lethe(tmp_path, "sweep", "run", *common)
    assert (code, done["state"]) == (0, "done")
    assert done["rules"][0]["erased"] == len(due)
    assert customers_due(chinook, "2026-11-01") == set()
    with chinook.cursor() as cursor:
        cursor.execute("SELECT customer_id FROM customer")
        assert {row[0] for row in cursor.fetchall()} == set(range(1, 60)) - due
        cursor.execute("SELECT count(*) FROM employee WHERE reports_to IS NULL")
        chiefs = cursor.fetchone()
        cursor.execute("SELECT DISTINCT support_rep_id FROM customer")
        reps = {row[0] for row in cursor.fetchall()}
    chinook.commit()
    assert left(chinook)["employee"] == 7, "one employee was 75"
    assert chiefs is not None and chiefs[0] >= 1
    assert reps <= {None, 3, 4, 5}

    code, again = lethe(tmp_path, "sweep", "run", *common)
    assert code == 0
    assert all(rule["erased"] == 0 for rule in again["rules"])
    assert lethe(tmp_path, "health", *common)[0] == 0
