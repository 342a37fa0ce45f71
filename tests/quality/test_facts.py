"""What reports and the console read: the last run, the nights of a period, the last leak scan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lethe.quality.facts import last_leaks, quality_facts
from lethe.quality.history import NAME, write_document, write_report
from lethe.quality.outcomes import ClauseLine, Outcome, Report

OUTCOME = Outcome(
    "card.crm.account", "card", "account", "no card", "s7-last-four", "critical", "Data",
    "passed", 10, 10, 0, 1.0, (), None,
)  # fmt: skip


def report(day: date, *outcomes: Outcome) -> Report:
    lines = (ClauseLine("s7-last-four", "7", "passed", 1, 0), ClauseLine("s3", "3", "passed", 0, 0))
    return Report("mine", "1", "00", day, outcomes, lines, None, {"derive": 1.5, "run": 2.0})


def keep(day: int, hour: int, *outcomes: Outcome) -> None:
    at = datetime(2026, 3, day, hour, tzinfo=UTC)
    write_report(report(date(2026, 3, day), *outcomes), at.strftime(NAME))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    return tmp_path


def test_without_a_run_there_are_no_facts():
    assert quality_facts() is None
    assert last_leaks() is None


def test_the_last_run_is_told_a_clause_and_a_suite_at_a_time():
    failed = replace(OUTCOME, key="iban.crm.account", state="failed", failing=3)
    lost = replace(OUTCOME, key="a.b", severity="warning", state="not checked", because="SQLSTATE")
    keep(2, 3, OUTCOME, failed, lost, replace(OUTCOME, clause=None, state="no rows"))
    facts = quality_facts()
    assert facts is not None
    line = facts.clause("s7-last-four")
    assert line is not None
    assert (line.section, line.state, line.expectations) == ("7", "failed", 3)
    assert (line.passed, line.failed, line.critical, line.not_asked) == (1, 1, 1, 1)
    assert line.failing == ("iban.crm.account", "a.b")
    empty = facts.clause("s3")
    assert empty is not None
    assert (empty.state, empty.expectations) == ("not applicable", 0)
    (suite,) = facts.suites
    assert (suite.name, suite.expectations, suite.no_rows) == ("account", 4, 1)
    assert facts.seconds == 3.5
    assert facts.asked_at == datetime(2026, 3, 2, 3, tzinfo=UTC)
    assert not facts.is_good
    assert facts.docs is None


def test_a_period_counts_its_nights_and_the_last_run_of_each_day():
    keep(2, 3, replace(OUTCOME, state="failed"))
    keep(3, 3, replace(OUTCOME, state="failed"))
    keep(3, 9, OUTCOME)
    keep(4, 3, OUTCOME)
    keep(5, 3, replace(OUTCOME, state="not checked"))
    facts = quality_facts("mine", since=date(2026, 3, 2), until=date(2026, 3, 4))
    assert facts is not None
    assert facts.nights == (date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4))
    line = facts.clause("s7-last-four")
    assert line is not None
    assert (line.state, line.nights, line.nights_bad) == ("passed", 3, 1)
    assert facts.is_good
    assert quality_facts("other") is None


def test_a_leak_makes_the_night_bad_and_a_broken_file_is_passed_over(home: Path):
    keep(2, 3, OUTCOME)
    (home / "quality" / "history" / "20260303T030000000000.json").write_text("{")
    leak = {"file": "mail/1.eml", "kind": "e-mail address", "number": 2}
    write_document(
        home / "quality" / "leaks.json",
        {"scanned_at": "2026-03-02T04:00:00+00:00", "clean": False, "files": 3, "bytes": 10,
         "values": 7, "leaks": [leak]},
    )  # fmt: skip
    facts = quality_facts()
    assert facts is not None
    assert facts.leaks is not None
    assert facts.leaks.leaks == ("mail/1.eml: 2 × e-mail address",)
    assert not facts.is_good
