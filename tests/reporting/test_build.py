"""From what a warehouse left behind to a Summary: nothing is called kept that nobody proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from lethe.reporting.build import build_summary
from lethe.reporting.facts import Facts, gather_facts
from lethe.reporting.mail.data_sections import quality
from lethe.reporting.papers.monthly import report_paper
from lethe.reporting.summary import Change, ClauseLine, Summary
from lethe.reporting.words import wording

from tests.kit import TODAY, Kit, MakeKit

NOON = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
DDL = """
CREATE SCHEMA shop;
CREATE TABLE shop.customer (id bigint PRIMARY KEY, email text, left_on date);
INSERT INTO shop.customer
SELECT n, 'anna.schmit' || n || '@example.org', date '2024-05-28' + (n % 3)::int
FROM generate_series(1, 9) AS n;
INSERT INTO shop.customer VALUES (100, 'nobody.knows@example.org', NULL);
"""
POLICY = """
clauses:
  gone:
    section: "9"
    promise: {en: Customers are erased after two years., fr: Effacés après deux ans.}
    control: {kind: enforced, by: [retention_sweep], rules: left, tests: [tests/x.py]}
  listed:
    section: "1"
    promise: Every column is classified.
    control: {kind: checked, by: [policy_check]}
  sold:
    section: "5"
    promise: Never sold.
    control: {kind: organisational, because: A sale leaves no row., owner: Management}
  copy:
    section: "10"
    promise: We give a copy.
    control: {kind: enforced, by: [subject_requests], planned: true}
subjects:
  customer: {table: shop.customer, key: id, identifiers: {email: email}, title: customers}
clusters:
  account: {subject: customer}
tables:
  shop.customer:
    cluster: account
    columns: {email: contact}
    not_personal: [id, left_on]
rules:
  left:
    cluster: account
    clause: gone
    title: {en: Two years after leaving, fr: Deux ans après le départ}
    starting_point: {latest: [{column: left_on}]}
    period: P2Y
guards:
  cap: {subjects: 1000}
  approvers: [{user: vera, name: Vera Weis}]
mail:
  sender: lethe@example.org
  recipients: [{email: dpo@example.org, language: fr}]
"""


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


def clause(summary: Summary, name: str) -> ClauseLine:
    return next(each for each in summary.clauses if each.clause == name)


def summary_of(kit: Kit, change: Callable[[Facts], Facts] = lambda facts: facts) -> Summary:
    return build_summary(change(gather_facts(kit.site, "day", TODAY, NOON)))


def test_a_good_night_is_told_as_it_was(kit: Kit) -> None:
    run = kit.sweep()
    summary = summary_of(kit)
    assert run.summary["rules"][0]["erased"] == summary.rules[0].erased == 9
    assert summary.rules[0].refused == {"no date": 1}
    assert summary.rules[0].title["fr"] == "Deux ans après le départ"
    assert [(night.state, night.erased) for night in summary.nights] == [("done", 9)]
    assert summary.nights[0].seal_no
    assert [(line.table, line.deleted) for line in summary.tables] == [("shop.customer", 9)]
    assert clause(summary, "gone").verdict == "kept"
    assert clause(summary, "gone").evidence == "sweep"
    assert clause(summary, "sold").verdict == "organisational"
    assert summary.seal is not None and len(summary.seal.seal_hash) == 64
    assert summary.signer is not None and len(summary.signer) == 64


def test_a_clause_without_a_control_is_not_yet_kept_and_says_why_in_both_languages(
    kit: Kit,
) -> None:
    kit.sweep()
    line = clause(summary_of(kit), "copy")
    assert line.verdict == "not_yet_kept"
    assert line.reason == {
        "en": "Its control is not built yet.",
        "fr": "Son contrôle n’existe pas encore.",
    }


def test_without_a_night_nothing_is_kept_and_the_verdict_is_silence(kit: Kit) -> None:
    summary = summary_of(kit)
    assert summary.verdict == "silent"
    assert "retention_sweep" in {each.duty for each in summary.silences}
    assert clause(summary, "gone").verdict == "not_yet_kept"


def test_the_night_before_is_no_evidence_for_tonight(kit: Kit) -> None:
    kit.sweep(TODAY - timedelta(days=1))
    summary = summary_of(kit)
    assert summary.verdict == "silent"
    assert clause(summary, "gone").verdict == "not_yet_kept"
    assert clause(summary, "gone").last_evidence is not None


def test_a_report_only_warehouse_keeps_no_promise_to_erase(kit: Kit) -> None:
    kit.execute("UPDATE lethe.warehouse SET armed_at = NULL, armed_by = NULL")
    with pytest.raises(Exception, match="report-only"):
        kit.sweep()
    summary = summary_of(kit)
    assert not summary.is_armed
    assert clause(summary, "gone").verdict == "not_yet_kept"
    assert [each.kind for each in summary.decisions] == ["arm"]


def test_what_waits_needs_somebody_and_becomes_not_kept_when_it_is_overdue_too_long(
    kit: Kit,
) -> None:
    small = kit.under(POLICY.replace("subjects: 1000", "subjects: 3"))
    small.sweep()
    summary = summary_of(small)
    assert summary.verdict == "needs_you"
    assert summary.needs == 1
    waiting = summary.decisions[0]
    assert (waiting.kind, waiting.what, waiting.count) == ("plan", "left", 9)
    assert waiting.digest and len(waiting.digest) == 64
    later = build_summary(
        gather_facts(small.site, "day", TODAY + timedelta(days=9), NOON + timedelta(days=9))
    )
    line = clause(later, "gone")
    assert line.verdict == "not_kept"
    assert "attend une approbation" in line.reason["fr"]


def test_an_unclassified_column_breaks_what_the_policy_check_keeps(kit: Kit) -> None:
    kit.execute("ALTER TABLE shop.customer ADD COLUMN hobby text")
    kit.sweep()
    summary = summary_of(kit)
    assert clause(summary, "listed").verdict == "not_kept"
    assert summary.verdict in ("not_kept", "silent")
    assert "shop.customer.hobby" in next(
        alarm.where for alarm in summary.alarms if alarm.code == "unclassified"
    )


def test_a_wrong_canary_needs_somebody_though_every_promise_is_kept(kit: Kit) -> None:
    from lethe.retention.fact_shapes import EventFacts

    kit.sweep()

    def rung(facts: Facts) -> Facts:
        event = EventFacts(NOON, "sweep_unproven", {"canary": "left-long-ago"})
        return replace(facts, sweep=replace(facts.sweep, events=(event,)))

    quiet, loud = summary_of(kit), summary_of(kit, rung)
    assert loud.needs == quiet.needs + 1
    assert loud.alarms[0].where == ("left-long-ago",)


def test_a_mail_that_did_not_go_out_is_told_by_the_next_report(kit: Kit) -> None:
    kit.sweep()
    kit.execute(
        "INSERT INTO lethe.report_mail (message_id, policy_name, period, last_on, recipient,"
        " language, content, state, claimed_at)"
        " SELECT n::text, 'small', 'day', '2026-05-30', rpad(n::text, 64, 'x'), 'fr',"
        " rpad('', 64, 'x'), state, %s::timestamptz - since"
        " FROM (VALUES (1, 'failed', interval '1 day'), (2, 'claimed', '2 hours'),"
        " (3, 'sent', '1 day'), (4, 'claimed', '1 minute'), (5, 'failed', '40 days'))"
        " AS m (n, state, since)",
        (NOON,),
    )
    assert [(alarm.code, alarm.count) for alarm in summary_of(kit).alarms] == [("unsent", 2)]


def test_the_month_goes_from_its_first_day_and_names_the_first_of_the_month_after_next(
    kit: Kit,
) -> None:
    for day in (date(2026, 5, 30), date(2026, 5, 31)):
        kit.sweep(day)
    summary = build_summary(gather_facts(kit.site, "month", date(2026, 5, 31), NOON))
    assert (summary.first, summary.last) == (date(2026, 5, 1), date(2026, 5, 31))
    assert [night.as_of.day for night in summary.nights] == [30, 31]
    assert summary.next_due == datetime(2026, 7, 1, 5, 0, tzinfo=UTC)
    part = build_summary(gather_facts(kit.site, "month", date(2026, 5, 30), NOON))
    assert part.next_due == datetime(2026, 6, 1, 5, 0, tzinfo=UTC)


def test_nobody_who_was_erased_is_named_anywhere_in_the_summary(kit: Kit) -> None:
    import json

    from lethe.reporting.json_form import as_json

    kit.sweep()
    text = json.dumps(as_json(summary_of(kit)))
    assert "anna" not in text
    assert "nobody.knows" not in text


def test_who_is_there_again_is_told_by_finding_in_words_with_what_to_do(kit: Kit) -> None:
    kit.sweep()
    back: dict[str, Any] = {"customer": {"restored": 2, "same_identifier": 1, "same_key": 0}}

    def returned(facts: Facts) -> Facts:
        nights = (replace(facts.sweep.nights[0], returned=back),)
        return replace(facts, sweep=replace(facts.sweep, nights=nights))

    summary = summary_of(kit, returned)
    assert [(each.code, each.count) for each in summary.alarms] == [
        ("returned", 2),
        ("came_back", 1),
    ]
    assert summary.needs == 2 and summary.verdict == "needs_you"
    again, came_back = (each.lines for each in summary.alarms)
    assert [line["en"] for line in (again[0], came_back[0])] == ["customers (2)", "customers (1)"]
    assert "`lethe sweep replay`" in again[1]["fr"]
    assert again[2]["fr"] == "Ceci est une répétition\u00a0: personne n’a rien à faire."
    assert "leaves them in peace" in came_back[1]["en"]
    back["customer"] = {"restored": 0, "same_identifier": 3, "same_key": 1}
    back["customer"]["seen"] = {"same_identifier": 2, "same_key": 1}
    assert [(each.code, each.count) for each in summary_of(kit, returned).alarms] == [
        ("came_back", 1)
    ]


def test_on_a_real_warehouse_who_came_back_is_asked_about_by_name_and_day(kit: Kit) -> None:
    kit.sweep()
    back: dict[str, Any] = {"customer": {"restored": 0, "same_identifier": 1, "same_key": 0}}

    def returned(facts: Facts, since: dict[str, date]) -> Facts:
        nights = (replace(facts.sweep.nights[0], returned=back),)
        sweep = replace(facts.sweep, nights=nights, rehearsal=False)
        return replace(facts, sweep=sweep, found_since=since)

    for since, day in (
        ({}, "8 June 2026"),
        ({"same_identifier": date(2026, 5, 28)}, "4 June 2026"),
    ):
        (rung,) = summary_of(kit, lambda facts, since=since: returned(facts, since)).alarms  # type: ignore[misc]
        assert rung.lines[-1]["en"] == f"Who: Vera Weis. By: {day}."


def test_who_did_something_is_told_by_his_function_and_what_nobody_did_by_none(kit: Kit) -> None:
    kit.sweep()
    acts = (
        Change(NOON, "hold", "added", "customer", "vera", 1),
        Change(NOON, "hold", "released", "customer", "somebody", 1),
        Change(NOON, "key", "destroyed", "log 2025-05", None, 1),
    )
    found = summary_of(kit, lambda facts: replace(facts, changes=acts)).changes
    told = {each.action: (each.by, each.role.get("en")) for each in found if each.at == NOON}
    assert told == {
        "added": ("vera", "Vera Weis, approver"),
        "released": ("somebody", None),
        "destroyed": (None, None),
    }


def test_whoever_decides_about_undated_people_is_the_same_everywhere(kit: Kit) -> None:
    kit.sweep()
    (undated,) = (each for each in summary_of(kit).unknowns if each.kind == "refused")
    assert undated.owner == {"en": "Vera Weis", "fr": "Vera Weis"}


def test_every_alarm_says_what_to_do_in_both_languages() -> None:
    from lethe.reporting.out_of_order import alarm
    from lethe.reporting.words import wording

    every = {
        "archive_fault", "came_back", "canary", "failed", "key_due", "key_reused", "late", "leak",
        "logs_failed",
        "missed", "no_pack", "no_recovery_key", "not_archived", "outbox", "restored", "returned",
        "set_aside", "tampered", "unclassified", "unsealed", "unsent", "zero_nights",
    }  # fmt: skip
    for code in every:
        rung = alarm(code, 2, ("x",), by="06:00", because="why", period="P7D")
        for language in ("en", "fr"):
            assert rung.lines[0][language].endswith((".", ")", "why")), code
            assert wording(language, "report").has(f"alarm.{code}"), code


def test_who_waits_for_a_document_that_no_archive_takes_breaks_the_promise(kit: Kit) -> None:
    kit.sweep()

    def stuck(facts: Facts, refused: dict[str, int]) -> Facts:
        rules = tuple(replace(each, stopped={"not archived": 2}) for each in facts.sweep.rules)

        class Archive:
            """The figures that a summary reads of an archive."""

            root = signed_at = night_of = closed_at = verified_at = None
            expiry = documents = ()
            verified_faults = tree_size = recovery_copies = 0

        Archive.refused = refused  # type: ignore[attr-defined]
        return replace(facts, archive=Archive(), sweep=replace(facts.sweep, rules=rules))  # type: ignore[arg-type]

    line = clause(summary_of(kit, lambda facts: stuck(facts, {"no number": 5})), "gone")
    assert line.verdict == "not_kept"
    assert "2 are due and stay" in (line.reason or {})["en"]
    assert clause(summary_of(kit, lambda facts: stuck(facts, {})), "gone").verdict == "kept"


def test_what_failed_is_read_from_the_run_that_the_report_tells_of(kit: Kit) -> None:
    import json

    kit.sweep()
    folder = kit.home / "quality" / "history"
    folder.mkdir(parents=True)
    for day, state in ((date(2026, 6, 1), "failed"), (date(2026, 6, 2), "passed")):
        check = {
            "expectation": "card.shop.customer", "kind": "card", "suite": "account",
            "title": "no card number stands in shop.customer", "clause": "listed",
            "severity": "critical", "owner": "Data", "state": state, "rows": 9, "concerned": 9,
            "failing": 2, "mostly": 1.0, "rules": [], "because": None,
        }  # fmt: skip
        report = {
            "policy": "small", "version": "1", "policy_digest": "x", "as_of": day.isoformat(),
            "exit_code": 1, "states": {state: 1}, "expectations": [check], "docs": None,
            "clauses": [{"clause": "listed", "section": "1"}], "seconds": {"all": 1.0},
        }  # fmt: skip
        (folder / f"{day:%Y%m%d}T040000000000.json").write_text(json.dumps(report))
    summary = summary_of(kit)
    assert [(each.key, each.found["fr"]) for each in summary.findings] == [
        (
            "card.shop.customer",
            "shop.customer (account)\u00a0: 2 lignes contiennent un numéro de carte",
        )
    ]
    assert summary.needs == 1


@pytest.mark.parametrize(
    ("severity", "why", "mail"),
    [
        ("critical", "One critical check failed.", " control yet (1 critical), "),
        ("warning", "One check failed.", " control yet, "),
    ],
)
def test_a_check_that_fails_under_a_promise_without_a_control_is_told_apart(
    kit: Kit, severity: str, why: str, mail: str
) -> None:
    import json

    kit.sweep()
    folder = kit.home / "quality" / "history"
    folder.mkdir(parents=True)
    states = ("passed", "passed", "not yet kept", "no rows", "not applicable")
    checks = [
        {
            "expectation": f"card.shop.customer.{number}", "kind": "card", "suite": "account",
            "title": "x", "clause": "copy" if state == "not yet kept" else "listed",
            "severity": severity, "owner": "Data", "state": state, "rows": 9, "concerned": 9,
            "failing": int(state == "not yet kept"), "mostly": 1.0, "rules": [], "because": None,
        }
        for number, state in enumerate(states)
    ]  # fmt: skip
    report = {
        "policy": "small", "version": "1", "policy_digest": "x", "as_of": TODAY.isoformat(),
        "exit_code": 0, "states": {}, "expectations": checks, "docs": None,
        "clauses": [{"clause": "listed", "section": "1"}, {"clause": "copy", "section": "10"}],
        "seconds": {"all": 1.0}, "asked_at": NOON.isoformat(), "run": "r",
    }  # fmt: skip
    (folder / f"{TODAY:%Y%m%d}T040000000000.json").write_text(json.dumps(report))
    summary = summary_of(kit)
    line = clause(summary, "copy")
    assert line.verdict == "not_yet_kept"
    assert (line.reason or {})["en"] == f"Its control is not built yet. {why}"
    words = wording("en", "report")
    section = quality(summary, words)
    assert section is not None and section.intro.partition(": ")[2] == (
        "2 checks passed, 0 failed, one failed under a promise that has no"
        + mail
        + "one found no row, one not applicable."
    )
    paper = repr(report_paper(summary, "en"))
    assert "Every check that was asked passed" not in paper
    critical = int(severity == "critical")
    assert f"that has no control yet; critical: {critical}." in paper
    assert "Every check that was asked passed" in repr(
        report_paper(replace(summary, quality=replace(summary.quality, unkept=0)), "en")  # type: ignore[type-var]
    )


def test_logs_that_failed_are_a_point_and_the_last_good_run_is_their_evidence(kit: Kit) -> None:
    kit.sweep()
    kit.execute(
        "INSERT INTO lethe.run (kind, policy_name, policy_version, policy_digest, as_of, state,"
        " started_at, finished_at, summary) SELECT 'logs', 'small', '1', decode(repeat('ab', 32),"
        " 'hex'), on_day, state, at, at, jsonb_build_object('failed', failed)"
        " FROM (VALUES (date '2026-05-31', 'done', timestamptz '2026-05-31 01:00+00', 0),"
        " ('2026-06-01', 'failed', '2026-06-01 01:00+00', 2)) AS r (on_day, state, at, failed)"
    )
    facts = gather_facts(kit.site, "day", TODAY, NOON)
    assert facts.logs_failed == 2
    assert facts.last_heard["log_pseudonymisation"] == datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
    (rung,) = build_summary(facts).alarms
    assert (rung.code, rung.count) == ("logs_failed", 2)
    yesterday = gather_facts(kit.site, "day", TODAY - timedelta(days=1), NOON)
    assert yesterday.logs_failed == 0
