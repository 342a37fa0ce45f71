"""Silence becomes 'not kept': by reason, after its time, until a named person decides."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from lethe.errors import ConfigurationError, GuardStop, UsageError
from lethe.guards.undecided import Refusal, decide, not_kept, read_refusals

from tests.shop import Shop

FIRST = date(2026, 1, 1)


def night(shop: Shop, as_of: date, **counts: int) -> None:
    """A night of the sweep with counts of the account rule."""
    named = {f"refused: {name.replace('_', ' ')}": count for name, count in counts.items()}
    (row,) = shop.execute(
        "INSERT INTO lethe.run (kind, policy_name, policy_version, policy_digest, as_of, state)"
        " VALUES ('sweep', 'shop', '1', sha256(''), %s, 'done') RETURNING run_id",
        (as_of,),
    )
    shop.execute(
        "INSERT INTO lethe.plan_rule (run_id, rule, subject_kind, clause, counts)"
        " VALUES (%s, 'inactive', 'customer', 'retention', %s)",
        (row[0], json.dumps(named | {"due": 1})),
    )


def refusals(shop: Shop, as_of: date) -> list[Refusal]:
    return read_refusals(shop.act("runner"), shop.loaded.policy, as_of)


def test_refused_dates_make_the_clause_not_kept_after_thirty_days(shop: Shop) -> None:
    for number in range(3):
        night(shop, FIRST + timedelta(days=number), implausible_date=2 + number)
    (found,) = refusals(shop, FIRST + timedelta(days=2))
    assert (found.reason, found.subjects, found.since) == ("implausible date", 4, FIRST)
    assert found.until == date(2026, 1, 31)
    assert not_kept([found], date(2026, 1, 31)) == {}
    assert not_kept([found], date(2026, 2, 1)) == {"retention": [found]}


def test_no_starting_point_may_stand_for_two_years(shop: Shop) -> None:
    night(shop, FIRST, no_starting_point=7)
    (found,) = refusals(shop, FIRST)
    assert found.is_kept(date(2028, 1, 1))
    assert not found.is_kept(date(2028, 1, 2))


def test_a_night_without_any_breaks_the_series_and_a_rerun_counts_once(shop: Shop) -> None:
    for day, count in ((0, 1), (1, 1), (2, 0), (3, 2), (4, 3)):
        night(shop, FIRST + timedelta(days=day), no_date=count)
    night(shop, FIRST + timedelta(days=4), no_date=5)
    (found,) = refusals(shop, FIRST + timedelta(days=9))
    assert (found.since, found.subjects) == (FIRST + timedelta(days=3), 5)
    (before,) = refusals(shop, FIRST + timedelta(days=1))
    assert before.since == FIRST
    assert refusals(shop, FIRST + timedelta(days=2)) == []
    night(shop, FIRST + timedelta(days=2), no_date=4)
    (again,) = refusals(shop, FIRST + timedelta(days=4))
    assert again.since == FIRST, "of two nights of one day the later one counts"


def test_what_is_gone_tonight_is_not_told(shop: Shop) -> None:
    night(shop, FIRST, no_date=1)
    night(shop, FIRST + timedelta(days=1))
    assert refusals(shop, FIRST + timedelta(days=1)) == []


def say(shop: Shop, by: str = "vera", role: str = "approver", review: str = "2026-06-01") -> None:
    decide(
        shop.act(role),  # type: ignore[arg-type]
        shop.loaded.policy,
        rule="inactive",
        about="no date",
        decision="ask the CRM team for the dates",
        reason="the import of 2019 lost them",
        review_on=date.fromisoformat(review),
        by=by,
        as_of=date(2026, 3, 1),
        witness=shop.witness,
    )


def test_a_named_persons_decision_keeps_the_clause_until_its_review(shop: Shop) -> None:
    night(shop, FIRST, no_date=1)
    assert not_kept(refusals(shop, date(2026, 3, 1)), date(2026, 3, 1))
    say(shop)
    (found,) = refusals(shop, date(2026, 3, 1))
    assert found.is_kept(date(2026, 6, 1))
    assert not found.is_kept(date(2026, 6, 2))
    assert found.decided is not None
    assert found.decided.decided_by == "vera"
    assert shop.execute("SELECT decided_role FROM lethe.decision") == [("lethe_approver",)]
    assert shop.execute("SELECT kind FROM lethe.ledger") == [("undecided_decided",)]


def test_only_named_approvers_decide_and_only_with_a_review_to_come(shop: Shop) -> None:
    with pytest.raises(GuardStop, match="may not decide"):
        say(shop, by="mallory")
    with pytest.raises(ConfigurationError, match="only the approver"):
        say(shop, role="runner")
    with pytest.raises(UsageError, match="has passed"):
        say(shop, review="2026-03-01")


def test_a_cluster_without_a_period_is_undecided_since_the_policy_was_first_seen(
    shop: Shop,
) -> None:
    start = shop.loaded
    later = shop.edition(
        ("purpose: contract}", "purpose: contract, undecided: The law is unclear}")
    )
    shop.execute(
        "INSERT INTO lethe.policy_version (digest, name, version, first_seen_at)"
        " VALUES (%s, 'shop', '1', '2024-01-01 12:00Z')",
        (bytes.fromhex(start.digest),),
    )
    (found,) = read_refusals(shop.act("runner"), later.policy, FIRST)
    assert (found.rule, found.reason, found.since) == ("account", "no period", date(2024, 1, 1))
    assert found.is_kept(FIRST)
    assert not found.is_kept(date(2026, 1, 2))
