"""The diff of two editions: every difference is told, in words that a person can judge."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lethe.policy.diff import PolicyDiff, compare_periods, diff_policies
from lethe.policy.load import parse_policy
from lethe.policy.periods import Period, end_of

from tests.shop import POLICY


def diff(*changes: tuple[str, str]) -> PolicyDiff:
    text = POLICY
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return diff_policies(parse_policy(POLICY).policy, parse_policy(text).policy)


def test_an_edition_does_not_differ_from_itself_however_it_is_written() -> None:
    assert diff(("guards:\n", "guards:  # a comment\n")).changes == ()


def test_a_longer_period_is_told_as_longer() -> None:
    (change,) = diff(("period: P2Y", "period: P3Y")).changes
    assert (change.path, change.kind) == ("rules.inactive.period", "longer")
    assert change.sentence == "Rule 'inactive' keeps data longer: P3Y instead of P2Y."
    (change,) = diff(("period: P2Y", "period: P18M")).changes
    assert change.kind == "shorter"
    assert change.concerns_people


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "latest: [{column: last_service_ended_on, optional: true}]",
            "latest: [{column: opened_on, table: crm.ticket}]",
            "Rule 'inactive' now starts at 'end of the last service' (latest of "
            "crm.ticket.opened_on, not before opened_on); before at 'end of the last service' "
            "(latest of last_service_ended_on, not before opened_on).",
        ),
        (
            "    period: P2Y\n",
            "    period: P2Y\n    where: {column: country, equals: LU}\n",
            "Rule 'inactive' now claims rows where country equals LU; before (no condition).",
        ),
        (
            "    period: P2Y\n",
            "    period: P2Y\n    at_least: {FR: {period: P5Y, law: L123-22}}\n",
            "Rule 'inactive' has a minimum for FR: P5Y (L123-22).",
        ),
        (
            "    activity: opened_on\n",
            "    activity: opened_on\n    when_due: {do: keep, blank: [state], because: Tax}\n",
            "Table 'crm.ticket': when due, rows now stay and lose state, because Tax; before they "
            "are erased.",
        ),
        (
            "phone: contact,",
            "phone: behaviour,",
            "Table 'crm.customer': column 'phone' is of class behaviour instead of contact.",
        ),
        (
            "cap: {subjects: 3}",
            "cap: {subjects: 5}",
            "guards.cap.subjects is 5 instead of 3.",
        ),
        (
            "{kind: enforced, by: [retention_sweep], rules: [left]}",
            "{kind: organisational, because: By hand}",
            "Clause 'newsletter' is now organisational, because By hand; before enforced by "
            "retention_sweep (rules: left).",
        ),
        (
            "promise: Deleted two years after the last service.",
            "promise: Deleted three years after the last service.",
            "Clause 'retention' now promises: Deleted three years after the last service. "
            "Before: Deleted two years after the last service.",
        ),
        (
            "guards:\n",
            "processors:\n  stripe: {name: Stripe, service: Cards, country: IE, receives: "
            "[payment]}\nguards:\n",
            "Processor 'stripe' is new: Stripe in IE, receives payment.",
        ),
    ],
)
def test_each_change_has_a_sentence(old: str, new: str, sentence: str) -> None:
    assert [change.sentence for change in diff((old, new)).changes] == [sentence]


def test_a_rule_that_goes_is_told_with_all_that_goes_with_it() -> None:
    start = POLICY.index("  left:\n")
    end = POLICY.index("guards:")
    text = POLICY.replace(POLICY[start:end], "").replace("rules: [left]}", "rules: [inactive]}")
    text = text.replace("purpose: news}", "purpose: news, undecided: No period yet}")
    found = diff_policies(parse_policy(POLICY).policy, parse_policy(text).policy)
    assert [(change.path, change.kind) for change in found.changes] == [
        ("clauses.newsletter.control", "changed"),
        ("clusters.subscription.undecided", "changed"),
        ("rules.left", "removed"),
    ]
    assert found.changes[2].sentence.startswith("Rule 'left' is gone: Thirty days after leaving")


def test_what_is_approved_is_bound_to_both_editions_and_every_change() -> None:
    digests = {
        diff().digest,
        diff(("period: P2Y", "period: P3Y")).digest,
        diff(("period: P2Y", "period: P4Y")).digest,
        diff(("cap: {subjects: 3}", "cap: {subjects: 4}")).digest,
    }
    assert len(digests) == 4
    again = diff(("period: P2Y", "period: P3Y"))
    assert again.digest in digests


LINES = [line for line in POLICY.splitlines() if any(c.isdigit() for c in line) and ":" in line]


@settings(deadline=None)
@given(st.sampled_from(LINES), st.sampled_from("123456789"))
def test_wherever_a_digit_changes_something_is_told(line: str, digit: str) -> None:
    at = next(number for number, character in enumerate(line) if character.isdigit())
    changed = POLICY.replace(line, line[:at] + digit + line[at + 1 :], 1)
    try:
        new = parse_policy(changed)
    except Exception:  # the digit made it no policy
        return
    old = parse_policy(POLICY)
    found = diff_policies(old.policy, new.policy)
    assert bool(found.changes) == (old.digest != new.digest)


def test_a_month_and_thirty_days_are_neither_longer_nor_shorter() -> None:
    assert compare_periods(Period.parse("P1M"), Period.parse("P30D")) == "changed"
    assert compare_periods(Period.parse("P1Y"), Period.parse("P12M")) is None
    assert compare_periods(Period.parse("P1Y"), Period.parse("P365D")) == "shorter"
    assert end_of(date(2023, 2, 1), Period.parse("P30D")) > end_of(
        date(2023, 2, 1), Period.parse("P1M")
    )
