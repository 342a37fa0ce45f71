"""Great Expectations and plain SQL agree, and nothing personal reaches any output."""

from __future__ import annotations

import gzip
import html
import io
import json
import logging
import re
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import psycopg2
import pytest
from lethe.cli.quality import HANDED
from lethe.quality.facts import last_leaks
from lethe.quality.finding import Phrases, find_leaks
from lethe.quality.inputs import check_inputs, stops
from lethe.quality.leaks import scan_files, scan_outputs
from lethe.quality.night import prepare
from lethe.quality.rows import HIDDEN, find_rows
from lethe.retention.sweep import run_sweep
from psycopg2 import extensions

from tests.quality.conftest import AS_OF, Demo, outcome
from tests.quality.test_planted import DEFECTS

MARK = "Zyxwvut Leckpruefung"
MARKS = ("zyxwvut", "leckpruefung", "4111111111111111", "LU280019400644750000", "leck@pruefung.lu")


def plant_marks(demo: Demo) -> None:
    """Put recognisable values wherever a text fits, and one of each defect on top."""
    for text, _ in DEFECTS.values():
        demo.execute(text)
    columns = demo.execute(
        "SELECT c.table_schema, c.table_name, c.column_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE t.table_type = 'BASE TABLE' AND c.data_type = 'text' AND c.is_generated = 'NEVER'"
        " AND c.table_schema NOT IN ('pg_catalog', 'information_schema', 'lethe')"
        " AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid ="
        " format('%I.%I', c.table_schema, c.table_name)::regclass)"
    )
    for schema, table, column in columns:
        if (schema, table) in (("catalog", "product"), ("catalog", "plan")):
            continue
        unique = (
            " || ctid::text" if column in ("account_number", "invoice_number", "number") else ""
        )
        value = f"{MARK} 4111111111111111 LU280019400644750000 leck@pruefung.lu"
        try:
            demo.execute(f"""UPDATE {schema}."{table}" SET "{column}" = '{value}'{unique}""")
        except Exception as error:
            assert "duplicate key" in str(error), error


def test_everything_fails_and_no_output_holds_a_value(
    demo: Demo, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    plant_marks(demo)
    with caplog.at_level(logging.DEBUG):
        report = demo.run()
    assert len(report.bad) > 100
    texts = {"json": json.dumps(report.as_json()), "xcom": json.dumps(report.by_suite())}
    texts["log"] = "\n".join(record.getMessage() for record in caplog.records)
    home = tmp_path / "home"
    files = [path for path in home.rglob("*") if path.is_file() and "static" not in path.parts]
    assert sum(path.suffix == ".html" for path in files) > 50
    for path in files:
        if "witness" not in path.parts:
            texts[str(path)] = path.read_bytes().decode("utf-8", errors="replace")
    for name, text in texts.items():
        for mark in MARKS:
            assert mark.lower() not in text.lower(), f"{mark} in {name}"
    assert scan_outputs(demo.site).is_clean


def test_great_expectations_and_plain_sql_count_the_same(demo: Demo):
    demo.execute(DEFECTS["card in jsonb"][0])
    demo.execute(DEFECTS["orphan"][0])
    plain = {each.key: (each.state, each.concerned, each.failing) for each in demo.ask().outcomes}
    ran = demo.run()
    assert {each.key: (each.state, each.concerned, each.failing) for each in ran.outcomes} == plain
    assert Path(ran.docs or "").is_file()


def test_data_docs_ask_no_other_server_and_their_index_leads_to_every_page(demo: Demo):
    demo.execute(DEFECTS["card in jsonb"][0])
    ran = demo.run()
    index = Path(ran.docs or "")
    pages = list(index.parent.rglob("*.html"))
    assert len(pages) > 100
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(src|href)\s*=\s*["']https?:|url\(["']?https?:""", text), path
        assert "<script" not in text, path
    text = index.read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+)"', text)
    assert len(links) > 200
    assert all((index.parent / html.unescape(link)).is_file() for link in links)
    assert "1 of " in text and "lethe quality rows card.crm.account" in text
    told = json.loads((index.parent / "pages.json").read_text())
    assert {each.key for each in ran.outcomes if each.failing} <= set(told)
    assert all((index.parent / page).is_file() for page in told.values())
    demo.run(suites=["sessions"])
    assert json.loads((index.parent / "pages.json").read_text()) == told
    assert index.read_text(encoding="utf-8") == text, "a run of some suites is no night"


def test_one_bad_expectation_does_not_stop_the_rest(demo: Demo):
    extra = demo.site.loaded.policy.quality.extra
    bad = extra["mandates-are-pseudonymised"].model_copy(update={"pattern": "(["})
    gone = extra["sepa-needs-a-mandate"].model_copy(update={"column": "nothing"})
    lost = extra["cookies-expire-in-time"].model_copy(
        update={"statement": "SELECT nothing FROM web.cookie"}
    )
    extra["mandates-are-pseudonymised"] = bad
    extra["sepa-needs-a-mandate"] = gone
    extra["cookies-expire-in-time"] = lost
    demo.execute("REVOKE SELECT ON web.session FROM lethe_planner; TRUNCATE marketing.suppression")
    for report in (demo.ask(), demo.run(with_docs=False)):
        assert outcome(report, "mandates-are-pseudonymised").says.startswith(
            "not checked: SQLSTATE 2201B"
        )
        assert "has no column 'nothing'" in outcome(report, "sepa-needs-a-mandate").says
        assert "SQLSTATE 42703" in outcome(report, "cookies-expire-in-time").says
        assert "may not read web.session" in outcome(report, "card.web.session").says
        assert outcome(report, "card.marketing.suppression").state == "no rows"
        assert outcome(report, "critical.billing.sepa_mandate.reference").state == "passed"
        assert outcome(report, "card.crm.account").state == "passed"


def test_rows_names_keys_and_never_a_value(demo: Demo):
    demo.execute(DEFECTS["card in jsonb"][0])
    found = find_rows(demo.site, AS_OF, HANDED, "card.crm.account")
    assert found.columns == ("account_id",)
    assert len(found.keys) == 1
    assert demo.execute(found.sql.rstrip(";")), "the SQL shows the row"
    assert "5555555555554444" not in json.dumps(found.as_json())
    demo.execute("UPDATE marketing.mail_event SET happened_at = '2020-01-01'")
    hidden = find_rows(demo.site, AS_OF, HANDED, "overdue.mail-event-old")
    assert hidden.keys[0][0] == HIDDEN
    assert "@" not in json.dumps(hidden.as_json()["rows"])


def test_a_critical_input_stops_the_rules_that_it_touches_and_no_other(demo: Demo):
    demo.execute(DEFECTS["dates that cannot be"][0])
    report = demo.ask()
    assert set(stops(report)) >= {"account-inactive"}
    assert "session-expired" not in stops(report)
    assert "dates.account-inactive: failed" in stops(report)["account-inactive"]


def test_a_critical_input_that_cannot_be_asked_stops_its_rules(demo: Demo):
    extra = demo.site.loaded.policy.quality.extra
    lost = extra["mandates-are-pseudonymised"].model_copy(update={"column": "nothing"})
    extra["mandates-are-pseudonymised"] = lost
    with demo.site.connected("planner") as connection:
        inputs = prepare(demo.site, connection, AS_OF, HANDED).derivation.of(stage="input")
    assert "mandates-are-pseudonymised" in [each.key for each in inputs.absent]
    found = stops(demo.ask())
    assert "has no column 'nothing'" in found["account-inactive"]
    assert "session-expired" not in found


def test_the_scan_finds_what_is_planted_in_an_output_and_does_not_repeat_it(tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text(
        "<td>J&eacute;r&ocirc;me Müller-Weiß</td> jerome@firma.lu 4111 1111 1111 1111 "
        '{"iban": "LU28 0019 4006 4475 0000"}',
        encoding="utf-8",
    )
    report = scan_files([tmp_path], {"jérôme müller-weiß"})
    kinds = {leak.kind for leak in report.leaks}
    assert kinds == {"value of the warehouse", "e-mail address", "card number", "bank account"}
    assert not re.search("firma|4111|0019|rôme", str([str(leak) for leak in report.leaks]))
    assert find_leaks(
        '"J\\u00e9r\\u00f4me M\\u00fcller-Wei\\u00df"', Phrases(["jérôme müller-weiß"])
    )
    assert not find_leaks("gdpr@mentorsig.com", Phrases([]), {"gdpr@mentorsig.com"})


def test_the_scan_reads_what_is_packed(tmp_path: Path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", "name\nJérôme Müller-Weiß\n")
    mail = EmailMessage()
    mail["Subject"], mail["To"] = "Report", "gdpr@mentorsig.com"
    mail.set_content("An account: LU28 0019 4006 4475 0000 é", cte="base64")
    mail.add_attachment(packed.getvalue(), "application", "zip", filename="figures.zip")
    (tmp_path / "1.eml").write_bytes(mail.as_bytes())
    (tmp_path / "task.log.gz").write_bytes(gzip.compress(b"asked leck@pruefung.lu"))
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 4111 1111 1111 1111")
    (tmp_path / "a.pdf").write_bytes(
        b"%PDF-1.7 /W[0 4111 1111 1111 1111] (for jerome@firma.lu) <FEFF00E9> endobj"
    )
    found = scan_files([tmp_path], {"jérôme müller-weiß"}, {"gdpr@mentorsig.com"})
    assert [str(leak) for leak in found.leaks] == [
        "1.eml: 1 × bank account",
        "1.eml: 1 × value of the warehouse",
        "a.pdf: 1 × e-mail address",
        "broken.zip: 1 × card number",
        "task.log.gz: 1 × e-mail address",
    ]


def test_the_scan_looks_into_the_metadata_of_airflow(
    demo: Demo, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    report = scan_outputs(demo.site)
    assert report.cells is None
    assert "lethe_metadata" in report.says
    dsn = new_database()
    settings = extensions.parse_dsn(dsn)
    monkeypatch.setenv(
        "AIRFLOW_CONN_LETHE_METADATA",
        json.dumps(
            {
                "conn_type": "postgres",
                "host": settings["host"],
                "login": settings["user"],
                "schema": settings["dbname"],
            }
        ),
    )
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE xcom (value jsonb); CREATE TABLE dag_run (conf jsonb);"
            """INSERT INTO xcom VALUES ('{"erased": 3}'), (NULL);"""
            """INSERT INTO dag_run VALUES ('{"who": "leck@pruefung.lu"}')"""
        )
    connection.commit()
    connection.close()
    found = scan_outputs(demo.site)
    assert found.cells == 2
    assert [str(leak) for leak in found.leaks] == ["airflow: dag_run.conf: 1 × e-mail address"]
    facts = last_leaks()
    assert facts is not None and not facts.is_clean


def test_the_sweep_stops_what_its_inputs_forbid_says_why_and_goes_on_with_the_rest(demo: Demo):
    demo.execute(DEFECTS["totals that do not add up"][0])
    demo.execute("UPDATE web.session SET expires_at = '2026-02-01'")
    demo.execute(DEFECTS["overdue account"][0])
    run = run_sweep(
        demo.site,
        AS_OF,
        inspect=lambda run_id: check_inputs(demo.site, run_id, AS_OF, HANDED),
    )
    rules = {each["rule"]: each for each in run.summary["rules"]}
    stopped = rules["account-inactive"]
    assert stopped["state"] == "stopped"
    assert "invoices-equal-their-lines: failed" in stopped["over_limit"]
    assert stopped["erased"] == 0
    assert demo.execute("SELECT count(*) FROM crm.account WHERE account_id = 9999") == [(1,)]
    assert rules["session-expired"]["erased"] > 0
    assert run.state == "done"
