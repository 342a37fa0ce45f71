"""`lethe policy check`: the file alone and against a warehouse, for people and for machines."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.cli.app import main
from lethe.cli.policy_check import print_report
from lethe.evidence.initialise import initialise
from lethe.keys import KeyRing, year_of
from lethe.policy.load import parse_policy
from lethe.retention.check import check_file, check_policy
from lethe.retention.clauses import clause_states
from rich.console import Console

from tests.shop import POLICY, Shop
from tests.small_policy import small_policy

SMALLEST = Path(__file__).parents[1] / "policy" / "smallest.yaml"
AS_OF = date(2026, 3, 2)
DDL = """
CREATE SCHEMA crm;
CREATE TABLE crm.customer (
    customer_id int PRIMARY KEY, email text, country char(2), last_service_ended_on date);
CREATE INDEX ON crm.customer (last_service_ended_on);
"""


@pytest.fixture
def lethe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> Any:
    """Run the command line; gives exit code, standard output and standard error."""
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_CONN_LETHE_WAREHOUSE", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["policy", "check", *arguments])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def shop_with(new_database: Callable[[], str], ddl: str = DDL) -> str:
    dsn = new_database()
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(ddl)
    connection.close()
    return dsn


def test_the_answer_is_yes_no_or_a_fault(lethe: Any, new_database: Any, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    classified = SMALLEST.read_text().replace(
        "[customer_id]", "[customer_id, last_service_ended_on]"
    )
    policy.write_text(classified)
    dsn = shop_with(new_database)
    options = ("--policy", str(policy), "--dsn", dsn, "--as-of", "2026-03-02")
    code, out, _ = lethe(*options)
    assert code == 0, out
    assert "No alarm: file and warehouse agree." in out
    policy.write_text(SMALLEST.read_text())
    code, out, _ = lethe(*options)
    assert code == 1
    assert "last_service_ended_on is not classified" in out
    assert re.search(r"policy\.yaml:\d+: tables\.crm\.customer: ", out)
    policy.write_text(classified.replace("column: last_service_ended_on", "column: left_on"))
    code, out, _ = lethe(*options)
    assert code == 2
    assert "table crm.customer has no column 'left_on'" in out
    assert "nothing can be planned" in out
    policy.write_text(classified.replace("P2Y", "2 years"))
    code, _, err = lethe(*options)
    assert code == 2
    assert "rules.inactive.period" in err


def test_a_row_of_nobody_makes_the_answer_no(lethe: Any, new_database: Any, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    text = SMALLEST.read_text()
    text = text.replace("[customer_id]", "[customer_id, last_service_ended_on]").replace(
        "key: customer_id", "key: customer_id\n    where: {column: country, is: not null}"
    )
    policy.write_text(text)
    dsn = shop_with(new_database, DDL + "INSERT INTO crm.customer VALUES (1)")
    code, out, _ = lethe("--policy", str(policy), "--dsn", dsn, "--json")
    report = json.loads(out)
    assert code == report["exit_code"] == 1
    assert not report["faults"]
    assert not report["alarms"]
    (gap,) = (line for line in report["coverage"] if line["state"] == "gap")
    assert (gap["topic"], gap["table"], gap["count"]) == ("rows of nobody", "crm.customer", 1)


def test_without_a_warehouse_the_file_is_checked_alone(lethe: Any) -> None:
    code, out, _ = lethe("--policy", str(SMALLEST), "--file-only", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["database"] is None
    assert [clause["state"] for clause in report["clauses"]] == ["enforced"]


def test_a_warehouse_that_cannot_be_reached_is_code_3(lethe: Any, tmp_path: Path) -> None:
    code, _, err = lethe("--policy", str(SMALLEST), "--dsn", f"host={tmp_path} dbname=x")
    assert code == 3
    assert "no PostgreSQL answers" in err


def test_an_initialised_warehouse_shows_examples_as_tokens_and_asks_for_missing_rights(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = parse_policy(POLICY, "shop.yaml")
    key = {"conn_type": "generic", "password": base64.b64encode(bytes(32)).decode()}
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", json.dumps(key))
    shop.execute("ALTER TABLE crm.ticket ALTER customer_id DROP NOT NULL")
    shop.execute("INSERT INTO crm.ticket VALUES (4711, NULL, 'open', '2020-01-01')")
    shop.act("runner")
    tokens = KeyRing.open(shop.connection).tokens("token", year_of(AS_OF), create=True)
    shop.connection.commit()
    report = check_policy(shop.connection, loaded, AS_OF)
    assert report.role == "lethe_planner"
    (gap,) = report.gaps
    assert (gap.table, gap.count) == ("crm.ticket", 1)
    assert gap.examples == (tokens.many("crm.ticket", "row", [["4711"]])[0].hex()[:16],)
    assert "4711" not in json.dumps(report.as_json())
    shop.execute("REVOKE DELETE ON crm.ticket FROM lethe_runner")
    (right,) = (
        each
        for each in check_policy(shop.connection, loaded, AS_OF).alarms
        if each.code == "missing-right"
    )
    assert "role lethe_runner lacks DELETE on crm.ticket" in right.message
    assert right.sql is not None
    assert right.sql.endswith('GRANT DELETE ON TABLE "crm"."ticket" TO "lethe_runner"')
    # It stays free for the next duty.
    assert initialise(shop.connection).warehouse.warehouse_id


def test_a_cluster_with_a_fault_is_left_out_of_the_count_and_the_others_are_not(
    new_database: Any,
) -> None:
    connection = psycopg2.connect(
        shop_with(new_database, "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (x int);")
    )
    loaded = small_policy("""
        subjects:
          a: {table: public.a, key: id}
          b: {table: public.b, key: id}
        clusters: {c: {subject: a}, d: {subject: b}}
        tables:
          public.a: {cluster: c, not_personal: [id]}
          public.b: {cluster: d, not_personal: [x]}
    """)
    report = check_policy(connection, loaded, AS_OF)
    connection.close()
    assert report.exit_code == 2
    assert {line.cluster for line in report.coverage} == {"c"}


def test_a_table_whose_parts_are_in_a_faulty_and_in_a_sound_cluster_breaks_no_check(
    new_database: Any,
) -> None:
    ddl = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (x int, y text);"
    connection = psycopg2.connect(shop_with(new_database, ddl + "CREATE TABLE stray (z int);"))
    loaded = small_policy("""
        subjects: {a: {table: public.a, key: id}}
        clusters: {c: {subject: a}, d: {subject: a}}
        tables:
          public.a: {cluster: c, not_personal: [id]}
          public.b:
            rows:
              - {cluster: c, where: {column: y, equals: "1"}, links: [{columns: x}]}
              - {cluster: d, where: {column: y, equals: "2"}, links: [{columns: x}]}
            not_personal: [x, y]
          public.stray: {cluster: d, not_personal: [z]}
    """)
    report = check_policy(connection, loaded, AS_OF)
    connection.close()
    assert report.exit_code == 2
    assert {line.cluster for line in report.coverage} == {"c"}


CLAUSES = {
    "promised and planned": (
        {"kind": "enforced", "by": ["invoice_archive"], "planned": True},
        None,
    ),
    "by nobody": ({"kind": "enforced", "by": ["invoice_archive"]}, "there is no invoice_archive"),
    "without logs": ({"kind": "checked", "by": ["log_pseudonymisation"]}, "the section logs"),
    "without rule": ({"kind": "enforced", "by": ["retention_sweep"]}, "no rule keeps it"),
    "checked": ({"kind": "checked", "by": ["policy_check"]}, None),
    "organisational": ({"kind": "organisational", "because": "paper", "owner": "Ann"}, None),
}
STATES = {
    "promised and planned": "not yet kept (planned)",
    "by nobody": "not yet kept (there is no invoice_archive yet)",
    "without logs": "not yet kept (the section logs is missing)",
    "without rule": "not yet kept (no rule keeps it)",
    "checked": "checked",
    "organisational": "organisational because: paper",
}


@pytest.mark.parametrize("case", CLAUSES)
def test_a_clause_is_never_shown_as_kept_when_nothing_keeps_it(case: str) -> None:
    from lethe.retention.clauses import check_clauses

    control, alarm = CLAUSES[case]
    loaded = small_policy(f"""
        clauses:
          it: {{section: "1", promise: It., control: {json.dumps(control)}}}
        subjects: {{a: {{table: public.a, key: id}}}}
        clusters: {{c: {{subject: a}}}}
        tables: {{public.a: {{cluster: c}}}}
    """)
    built = frozenset({"retention_sweep", "log_pseudonymisation", "policy_check"})
    (state,) = clause_states(loaded.policy, built)
    assert str(state) == STATES[case]
    alarms = [each for each in check_clauses(loaded.policy, built) if each.level == "alarm"]
    assert [each.code for each in alarms] == (["clause-without-control"] if alarm else [])
    assert alarm is None or alarm in alarms[0].message


def test_a_rule_that_its_clause_does_not_name_is_told_from_both_sides() -> None:
    loaded = small_policy("""
        clauses:
          one:
            section: "1"
            promise: One.
            control: {kind: enforced, by: [retention_sweep], rules: r}
          two: {section: "2", promise: Two., control: {kind: enforced, by: [retention_sweep]}}
        subjects: {a: {table: public.a, key: id}}
        clusters: {c: {subject: a}}
        tables: {public.a: {cluster: c}}
        rules: {r: {cluster: c, clause: two, starting_point: {latest: [{column: day}]}}}
    """)
    assert {(each.code, each.path) for each in check_file(loaded).alarms} >= {
        ("clause-of-another-rule", "clauses.one.control.rules"),
        ("rule-not-named", "rules.r.clause"),
    }


def test_brackets_in_names_do_not_break_the_page(new_database: Any) -> None:
    connection = psycopg2.connect(
        shop_with(new_database, 'CREATE TABLE "a[b]" (id int PRIMARY KEY, "[/red]x" text);')
    )
    loaded = small_policy("""
        subjects: {a: {table: 'public.a[b]', key: id}}
        clusters: {c: {subject: a}}
        tables: {'public.a[b]': {cluster: c, not_personal: [id]}}
    """)
    report = check_policy(connection, loaded, AS_OF)
    connection.close()
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=200))
    assert "[/red]x is not classified" in stream.getvalue()
