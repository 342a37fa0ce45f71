"""A promise is shown kept only by a proof of its own; whatever else ran, it is described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from lethe.archive.facts import ArchiveFacts, NightOfDocuments, NightOfExpiry
from lethe.quality.facts import CheckLine, QualityFacts
from lethe.reporting.build import build_summary
from lethe.reporting.facts import Facts, gather_facts
from lethe.reporting.headline import balance
from lethe.reporting.summary import Change, ClauseLine, LogLine

from tests.kit import TODAY, Kit, MakeKit

NOON = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
DDL = """
CREATE SCHEMA shop;
CREATE TABLE shop.customer (id bigint PRIMARY KEY, email text, hobby text, left_on date);
CREATE TABLE shop.reader (id bigint PRIMARY KEY, email text, left_on date);
INSERT INTO shop.customer
SELECT n, 'anna.schmit' || n || '@example.org', 'x', date '2024-05-28' + (n % 3)::int
FROM generate_series(1, 9) AS n;
INSERT INTO shop.customer VALUES (100, 'nobody.knows@example.org', 'x', NULL);
INSERT INTO shop.customer VALUES (101, 'still.here@example.org', 'x', '2026-05-01');
"""
POLICY = """
clauses:
  gone:
    section: "9"
    promise: Customers are erased after two years.
    control: {kind: enforced, by: [retention_sweep], rules: left}
  unread:
    section: "9"
    promise: Readers are erased after two years.
    control: {kind: enforced, by: [retention_sweep], rules: reader-left}
  both:
    section: "9"
    promise: Whoever leaves is erased.
    control: {kind: enforced, by: [retention_sweep], rules: [left, reader-left]}
  listed:
    section: "1"
    promise: Contact details are collected.
    control: {kind: checked, by: [policy_check], shown_by: [contact]}
  analysed:
    section: "1"
    promise: Behaviour is collected.
    control: {kind: checked, by: [policy_check], shown_by: behaviour}
  lawful:
    section: "3"
    promise: Each purpose has a basis.
    control: {kind: checked, by: [policy_check]}
  cards:
    section: "7"
    promise: No card number is kept.
    control: {kind: checked, by: [data_quality]}
  unlinked:
    section: "2"
    promise: Logs name nobody.
    control: {kind: enforced, by: [log_pseudonymisation]}
  fraud:
    section: "2"
    promise: Addresses are turned back for fraud only.
    control: {kind: enforced, by: [reidentification]}
  record:
    section: "8"
    promise: What is stored is described.
    control: {kind: enforced, by: [compliance_report]}
  copied:
    section: "9"
    promise: A copy of invoices is kept.
    control: {kind: enforced, by: [invoice_archive], shown_by: capture}
  sealed:
    section: "6"
    promise: The copy is encrypted.
    control: {kind: enforced, by: [invoice_archive], shown_by: encryption}
  ended:
    section: "9"
    promise: The copy is deleted after ten years.
    control: {kind: enforced, by: [invoice_archive], shown_by: end}
  law:
    section: "9"
    promise: The law is respected.
    control: {kind: enforced, by: [invoice_archive], shown_by: law}
  unsaid:
    section: "9"
    promise: The archive does something else.
    control: {kind: enforced, by: [invoice_archive]}
readings:
  when-gone:
    clause: gone
    question: When has somebody left?
    reading: On the day that is written.
    why: The two years run from it.
    owner: Management
subjects:
  customer: {table: shop.customer, key: id, identifiers: {email: email}, title: customers}
  reader: {table: shop.reader, key: id, identifiers: {email: email}, title: readers}
clusters:
  account: {subject: customer}
  letters: {subject: reader}
tables:
  shop.customer:
    cluster: account
    columns: {email: contact, hobby: content}
    not_personal: [id, left_on]
  shop.reader:
    cluster: letters
    columns: {email: contact}
    not_personal: [id, left_on]
rules:
  left:
    cluster: account
    clause: gone
    title: Two years after leaving
    starting_point: {latest: [{column: left_on}]}
    period: P2Y
  reader-left:
    cluster: letters
    clause: unread
    title: Two years after the last letter
    starting_point: {latest: [{column: left_on}]}
    period: P2Y
guards:
  cap: {subjects: 1000}
  approvers: [{user: vera, name: Vera Weis}]
"""
CHECKS = CheckLine("", "7", "passed", 3, 2, 0, 0, 0, 1, 0, 0, (), 1, 0)
ARCHIVE = ArchiveFacts(
    head_no=3, tree_size=40, root="ab", signed_at=NOON, head_line=None, living=40, destroyed=0,
    night_of=TODAY, night_state="done", closed_at=NOON,
    documents=(NightOfDocuments("invoice", 40, {"archived": 40}, {}, {}, 0),),
    expiry=(NightOfExpiry("archive.customer", "done", 0, None, "", 0, {}, {}, 0, 0, 38),),
    opened=4, recovery_copies=True, verified_at=None, verified_size=0, verified_faults=0,
)  # fmt: skip
LINE = LogLine("web", 1, 500, 498, {"malformed": 2}, 0, 0.1, 6, 0.2, True)
Change_ = Callable[[Facts], Facts]


@pytest.fixture
def facts(make_kit: MakeKit) -> Facts:
    kit: Kit = make_kit(DDL, POLICY)
    kit.sweep()
    found = gather_facts(kit.site, "day", TODAY, NOON)
    # Wings that this small policy has no section for are taken as built, and as heard of.
    states = tuple(
        replace(each, state=found.policy.clauses[each.clause].control.kind)  # type: ignore[arg-type]
        for each in found.clauses
    )
    return replace(
        found,
        clauses=states,
        archive=ARCHIVE,
        logs=(LINE,),
        quality=quality(),
        last_heard={**found.last_heard, "log_pseudonymisation": NOON},
    )


def quality(*lines: CheckLine) -> QualityFacts:
    return QualityFacts(
        "run", "small", "1", "x", TODAY, NOON, {}, lines, (), 1.0, None, (TODAY,), None
    )


def line(facts: Facts, clause: str) -> ClauseLine:
    return next(each for each in build_summary(facts).clauses if each.clause == clause)


def counts(found: ClauseLine) -> dict[str, int]:
    return {proof.what: proof.count for proof in found.proofs}


def because(found: ClauseLine) -> str:
    return (found.reason or {"en": ""})["en"]


def test_a_sweep_shows_what_it_erased_and_judged_but_for_whom_it_cannot_date(facts: Facts) -> None:
    found = line(facts, "gone")
    assert found.verdict == "kept" and found.evidence == "sweep"
    assert counts(found) == {"erased": 9, "judged": 10}
    assert found.exceptions == {
        "en": "but for 1 without a usable date (customers) and 1 rule late: the oldest had been "
        "due since 29 May 2026",
        "fr": "sauf 1 sans date utilisable (customers) et 1 règle en retard\u00a0: la plus "
        "ancienne échéance datait du 29 mai 2026",
    }
    assert found.reading is not None
    assert found.reading["en"] == "by our reading, yet to be confirmed by Management"


@pytest.mark.parametrize(
    ("left_on", "said"),
    [
        (date(2024, 5, 31), ""),
        (date(2024, 5, 30), ""),
        (date(2024, 5, 29), "1 rule late: the oldest had been due since 30 May 2026"),
        (date(2015, 11, 23), "1 rule late: the oldest had been due since 24 November 2017"),
    ],
)
def test_whoever_is_erased_later_than_a_night_after_he_was_due_is_an_exception(
    make_kit: MakeKit, left_on: date, said: str
) -> None:
    kit = make_kit(DDL, POLICY)
    kit.execute("UPDATE shop.customer SET left_on = '2024-05-31' WHERE id < 100")
    kit.execute("UPDATE shop.customer SET left_on = %s WHERE id = 1", (left_on,))
    kit.sweep()
    found = line(gather_facts(kit.site, "day", TODAY, NOON), "gone")
    assert found.verdict == "kept" and counts(found)["erased"] == 9
    assert ("late" in (found.exceptions or {})["en"]) == bool(said)
    assert (found.exceptions or {})["en"].endswith(said)
    month = line(gather_facts(kit.site, "month", TODAY, NOON), "gone")
    assert month.exceptions == found.exceptions
    after = gather_facts(kit.site, "day", TODAY + timedelta(days=1), NOON)
    assert "late" not in (line(after, "gone").exceptions or {"en": ""})["en"], "erased yesterday"


def test_a_sweep_that_found_nobody_to_judge_shows_nothing(facts: Facts) -> None:
    found = line(facts, "unread")
    assert found.verdict == "described" and not found.proofs
    assert because(found) == "Its rules found nobody and nothing to judge."
    assert found.last_evidence is not None, "the control ran all the same"


def test_a_plan_older_than_the_period_judged_nobody_in_it(facts: Facts) -> None:
    rules = tuple(
        replace(each, planned_on=date(2026, 5, 30), erased=0) for each in facts.sweep.rules
    )
    assert line(replace(facts, sweep=replace(facts.sweep, rules=rules)), "gone").verdict == (
        "described"
    )


def test_of_several_rules_those_without_anybody_are_named_beside_what_the_others_show(
    facts: Facts,
) -> None:
    states = tuple(
        replace(each, rules=("left", "reader-left")) if each.clause == "both" else each
        for each in facts.clauses
    )
    found = line(replace(facts, clauses=states), "both")
    assert found.verdict == "kept"
    assert because(found).endswith("found nobody to judge: “Two years after the last letter”.")


def test_who_all_wait_for_an_approval_show_nothing_and_beside_others_are_an_exception(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(DDL, POLICY.replace("subjects: 1000", "subjects: 3"))
    kit.sweep()
    found = gather_facts(kit.site, "day", TODAY, NOON)
    alone = line(found, "gone")
    assert alone.verdict == "described" and not alone.proofs
    assert because(alone) == "9 are due and wait for an approval; nothing was erased."
    rules = tuple(replace(each, erased=5) for each in found.sweep.rules)
    some = line(replace(found, sweep=replace(found.sweep, rules=rules)), "gone")
    assert some.verdict == "kept" and counts(some) == {"erased": 5}
    assert "9 waiting for an approval (customers)" in (some.exceptions or {})["en"]


@pytest.mark.parametrize(
    ("clause", "verdict", "proofs", "said"),
    [
        ("listed", "kept", {"columns": 2}, ""),
        ("analysed", "described", {}, "The check found no column of the warehouse"),
        ("lawful", "described", {}, "Only the policy file says so"),
        ("unlinked", "kept", {"lines": 498}, ""),
        ("fraud", "described", {}, "Nobody asked for a re-identification"),
        ("record", "described", {}, "can vouch only that it is there"),
        ("copied", "kept", {"records": 40, "opened": 4}, ""),
        ("sealed", "kept", {"opened": 4}, ""),
        ("ended", "described", {}, "none is past its end; none has reached its end yet."),
        ("law", "described", {}, "38 records were judged; the cited law has kept none of them"),
        ("unsaid", "described", {}, "does not say which work of the archive"),
    ],
)
def test_each_control_shows_only_what_it_had_to_do_with(
    facts: Facts, clause: str, verdict: str, proofs: dict[str, int], said: str
) -> None:
    found = line(facts, clause)
    assert (found.verdict, counts(found)) == (verdict, proofs)
    assert said in because(found)


@pytest.mark.parametrize("clause", ["lawful", "fraud", "record"])
def test_checks_of_its_own_show_a_promise_whose_control_has_nothing_to_show(
    facts: Facts, clause: str
) -> None:
    asked = replace(facts, quality=quality(replace(CHECKS, name=clause)))
    found = line(asked, clause)
    assert (found.verdict, counts(found), found.evidence) == ("kept", {"checks": 2}, "quality")
    assert (found.checks_passed, found.checks_empty) == (2, 1)


@pytest.mark.parametrize("clause", ["unread", "law"])
def test_checks_do_not_take_the_place_of_a_control_that_acts(facts: Facts, clause: str) -> None:
    asked = replace(facts, quality=quality(replace(CHECKS, name=clause)))
    assert line(asked, clause).verdict == "described"


def test_checks_that_found_no_row_show_nothing(facts: Facts) -> None:
    empty = replace(CHECKS, name="cards", expectations=1, passed=0, no_rows=1, state="no rows")
    found = line(replace(facts, quality=quality(empty)), "cards")
    assert (found.verdict, found.checks_passed) == ("described", 0)
    assert because(found) == "Its checks found no row to ask about."
    some = replace(facts, quality=quality(replace(CHECKS, name="cards")))
    assert line(some, "cards").verdict == "kept"


def changed(facts: Facts, **more: Any) -> Facts:
    return replace(facts, archive=replace(ARCHIVE, **more))


def test_an_archive_that_nobody_opened_or_verified_shows_no_copy(facts: Facts) -> None:
    closed = changed(facts, opened=0)
    assert line(closed, "copied").verdict == line(closed, "sealed").verdict == "described"
    assert because(line(closed, "copied")) == "No record was opened or verified yet."
    verified = changed(facts, opened=0, verified_at=NOON)
    assert line(verified, "copied").verdict == "kept"
    assert line(changed(facts, living=0), "copied").verdict == "described"
    refused = changed(facts, documents=(replace(ARCHIVE.documents[0], refused={"no date": 2}),))
    assert (line(refused, "copied").exceptions or {})["en"] == (
        "but for 2 documents that could not be archived"
    )


def test_encryption_is_shown_by_sealed_copies_that_their_keys_opened(facts: Facts) -> None:
    said = {"en": "4 sealed copies opened with their keys",
            "fr": "4 copies scellées ouvertes avec leurs clés"}  # fmt: skip
    assert line(facts, "sealed").proofs[0].said == said
    assert "opened as a trial" in line(facts, "copied").proofs[1].said["en"]


def test_the_end_of_records_is_shown_by_those_that_ended(
    facts: Facts,
) -> None:
    (expiry,) = ARCHIVE.expiry
    assert not line(facts, "ended").proofs, "that none is late says nothing of an end"
    gone = line(changed(facts, destroyed=7), "ended")
    assert counts(gone) == {"ended": 7, "none_late": 38}
    assert line(changed(facts, expiry=(replace(expiry, judged=0),)), "ended").verdict == "described"
    late = line(changed(facts, destroyed=7, expiry=(replace(expiry, due=3),)), "ended")
    assert counts(late) == {"ended": 7}
    assert (late.exceptions or {})["en"] == "but for 3 records past their end"
    assert line(changed(facts, expiry=(replace(expiry, due=3),)), "ended").verdict == "described"


def test_a_law_is_shown_by_the_records_that_it_kept_longer(facts: Facts) -> None:
    (expiry,) = ARCHIVE.expiry
    found = line(changed(facts, expiry=(replace(expiry, beyond={"Code, art. 16": 5}),)), "law")
    assert (found.verdict, counts(found)) == ("kept", {"law": 5})
    assert found.proofs[0].said["en"] == "5 records kept longer because of Code, art. 16"


def test_a_case_in_the_period_shows_that_two_people_were_needed(facts: Facts) -> None:
    case = Change(NOON, "reidentification", "log_revealed", "", "vera", 1)
    assert counts(line(replace(facts, changes=(case,)), "fraud")) == {"cases": 1}


def test_no_line_of_a_log_is_no_proof(facts: Facts) -> None:
    empty = replace(LINE, read=0, written=0, quarantined={})
    assert line(replace(facts, logs=(empty,)), "unlinked").verdict == "described"


def test_nothing_is_shown_kept_without_a_count(facts: Facts) -> None:
    for found in build_summary(facts).clauses:
        assert (found.verdict == "kept") <= bool(found.proofs), found.clause
        assert found.verdict != "described" or found.reason, found.clause


def test_the_headline_counts_exceptions_and_open_readings_as_reservations(facts: Facts) -> None:
    summary = build_summary(facts)
    found = next(each for each in summary.clauses if each.clause == "gone")
    bare = replace(found, exceptions=None, reading=None)
    by_reading = replace(bare, reading=found.reading)
    excepted = replace(bare, exceptions=found.exceptions)
    described = replace(excepted, verdict="described")
    told = replace(summary, clauses=(bare, by_reading, excepted, found, described))
    assert "(of which 3 with reservations)" in balance(told, "en")
    assert "(dont 3 avec réserves)" in balance(told, "fr")
    assert "reservation" not in balance(replace(summary, clauses=(bare,)), "en")
    assert "with reservations" in balance(replace(summary, clauses=(by_reading,)), "en")
