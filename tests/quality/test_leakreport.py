"""The scan of our own outputs stands beside the checks of its night, in the line of its clause."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lethe.policy.load import LoadedPolicy
from lethe.quality.facts import last_leaks, quality_facts
from lethe.quality.history import NAME, add_outcomes, write_document, write_report
from lethe.quality.leakreport import Leak, LeakReport, Unread, outcomes_of
from lethe.quality.outcomes import Report

from tests.small_policy import small_policy

FOUND = LeakReport(
    7,
    5_000,
    90,
    (),
    unread=(Unread("mail/3.eml", "encrypted", 2), Unread("reports/a.zip", "broken", 1)),
)
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    return tmp_path


def policy(checks: str = "unread: {clause: retention}") -> LoadedPolicy:
    return small_policy(f"""
        subjects: {{person: {{table: a.person, key: id}}}}
        clusters: {{people: {{subject: person}}}}
        tables: {{a.person: {{cluster: people, columns: {{id: key}}}}}}
        quality: {{checks: {{{checks}}}}}
    """)


def keep(name: str = "small", at: datetime = NOW - timedelta(hours=1)) -> None:
    report = Report(name, "1", "00", date(2026, 3, 2), (), (), None, {"run": 2.0})
    write_report(report, at.strftime(NAME))


def test_what_could_not_be_read_is_a_warning_in_the_line_of_its_clause():
    keep()
    outcomes = outcomes_of(FOUND, policy().policy)
    add_outcomes(policy().policy, outcomes, NOW)
    facts = quality_facts()
    assert facts is not None
    line = facts.clause("retention")
    assert line is not None
    assert (line.state, line.failed, line.critical) == ("failed", 1, 0)
    assert line.failing == ("unread.outputs",)
    assert facts.states == {"passed": 1, "failed": 1}
    leak, unread = outcomes
    assert (leak.state, leak.severity) == ("passed", "critical")
    assert (unread.severity, unread.failing) == ("warning", 3)
    assert unread.says == "failed: mail/3.eml: 2 × encrypted; reports/a.zip: 1 × broken"


def test_the_policy_says_how_bad_it_is_and_whether_it_is_asked():
    strict = policy("unread: {severity: critical, owner: IT}").policy
    assert [(o.severity, o.owner) for o in outcomes_of(FOUND, strict)][1] == ("critical", "IT")
    off = policy("unread: {off_because: No packed file is ours.}").policy
    assert outcomes_of(FOUND, off)[1].says == "not applicable: No packed file is ours."


def test_a_second_scan_takes_the_place_of_the_first():
    keep()
    for found in (FOUND, replace(FOUND, unread=(), leaks=(Leak("a.log", "card number", 2),))):
        add_outcomes(policy().policy, outcomes_of(found, policy().policy), NOW)
    facts = quality_facts()
    assert facts is not None
    assert facts.states == {"failed": 1, "passed": 1}
    assert facts.clause("retention").state == "passed"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "age"), [("other", timedelta(hours=1)), ("small", timedelta(days=2))]
)
def test_the_report_of_another_night_or_policy_stays_as_it_is(
    home: Path, name: str, age: timedelta
):
    keep(name, NOW - age)
    before = (home / "quality" / "latest.json").read_bytes()
    add_outcomes(policy().policy, outcomes_of(FOUND, policy().policy), NOW)
    assert (home / "quality" / "latest.json").read_bytes() == before


def test_the_facts_of_a_scan_name_what_was_not_read(home: Path):
    document = {"scanned_at": NOW.isoformat(), **FOUND.as_json()}
    write_document(home / "quality" / "leaks.json", json.loads(json.dumps(document)))
    facts = last_leaks()
    assert facts is not None
    assert facts.unread == ("mail/3.eml: 2 × encrypted", "reports/a.zip: 1 × broken")
    assert "3 things could not be looked at" in FOUND.says
