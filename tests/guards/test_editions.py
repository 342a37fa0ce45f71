"""The gate of editions: approved by a named person, announced in time, and not before its day."""

from __future__ import annotations

from datetime import date

import psycopg2
import pytest
from lethe.errors import ConfigurationError, GuardStop
from lethe.evidence.initialise import arm, disarm
from lethe.guards.edition_gate import approve_edition, require_edition
from lethe.guards.editions import read_editions, see_edition
from lethe.policy.diff import diff_policies
from lethe.policy.load import LoadedPolicy

from tests.shop import Shop

LATER = {"version": '"2026-02"', "announced_on": "2026-05-01", "effective_from": "2026-05-12"}
P3Y = ("period: P2Y", "period: P3Y")


def see(shop: Shop, loaded: LoadedPolicy | None = None) -> None:
    see_edition(shop.act("runner"), loaded or shop.loaded)
    shop.connection.commit()


def require(shop: Shop, as_of: str, loaded: LoadedPolicy | None = None) -> None:
    require_edition(shop.act("runner"), loaded or shop.loaded, date.fromisoformat(as_of))


def approve(
    shop: Shop, new: LoadedPolicy, by: str = "vera", old: LoadedPolicy | None = None
) -> None:
    diff = diff_policies((old or shop.loaded).policy, new.policy)
    approve_edition(
        shop.act("approver"), bytes.fromhex(new.digest), by, diff.digest, witness=shop.witness
    )


@pytest.fixture
def armed(shop: Shop) -> Shop:
    """A shop that is armed with its first edition."""
    see(shop)
    arm(shop.connection, "vera")
    return shop


def test_the_first_edition_runs_from_its_first_day_without_approval(armed: Shop) -> None:
    with pytest.raises(GuardStop, match="takes effect on 2026-01-01"):
        require(armed, "2025-12-31")
    require(armed, "2026-01-01")


def test_an_edition_is_recorded_once_with_what_it_changes(armed: Shop) -> None:
    new = armed.edition(P3Y, **LATER)
    see(armed, new)
    first = read_editions(armed.act("runner")).find(bytes.fromhex(new.digest))
    see(armed, new)
    editions = read_editions(armed.act("runner"))
    assert len(editions.seen) == 2
    assert editions.find(bytes.fromhex(new.digest)) == first
    assert first is not None
    assert first.diff is not None
    assert "keeps data longer" in str(first.diff["changes"])
    assert first.announced_on == date(2026, 5, 1)


def test_another_edition_waits_for_approval_then_notice_then_its_day(armed: Shop) -> None:
    new = armed.edition(P3Y, **LATER)
    see(armed, new)
    with pytest.raises(GuardStop, match="nobody has approved its diff"):
        require(armed, "2026-05-12", new)
    approve(armed, new)
    require(armed, "2026-05-12", new)
    with pytest.raises(GuardStop, match="takes effect on 2026-05-12"):
        require(armed, "2026-05-11", new)


def test_ten_full_calendar_days_lie_between_announcement_and_first_run(armed: Shop) -> None:
    hurried = armed.edition(P3Y, **{**LATER, "effective_from": "2026-05-05"})
    see(armed, hurried)
    approve(armed, hurried)
    with pytest.raises(GuardStop, match="announced on 2026-05-01; 10 full calendar days"):
        require(armed, "2026-05-11", hurried)
    require(armed, "2026-05-12", hurried)


def test_an_edition_cannot_shorten_the_notice_of_its_own_coming(armed: Shop) -> None:
    hurried = armed.edition(
        ("guards:\n", "notices: {days_before: 0}\nguards:\n"),
        **{**LATER, "effective_from": "2026-05-01"},
    )
    see(armed, hurried)
    approve(armed, hurried)
    with pytest.raises(GuardStop, match="10 full calendar days"):
        require(armed, "2026-05-11", hurried)


def test_an_edition_that_was_never_announced_does_not_run(armed: Shop) -> None:
    quiet = armed.edition(P3Y, ("  announced_on: 2025-12-01\n", ""))
    see(armed, quiet)
    approve(armed, quiet)
    with pytest.raises(GuardStop, match="was not announced"):
        require(armed, "2026-05-11", quiet)
    with armed.act("runner").cursor() as cursor:
        cursor.execute(
            "UPDATE lethe.policy_version SET announced_on = '2026-05-01' WHERE digest = %s",
            (bytes.fromhex(quiet.digest),),
        )
    armed.connection.commit()
    require(armed, "2026-05-12", quiet)


def test_only_an_approver_whom_the_edition_in_force_names_may_approve(armed: Shop) -> None:
    new = armed.edition(P3Y, ("user: vera", "user: mallory"), **LATER)
    see(armed, new)
    with pytest.raises(GuardStop, match=r"'mallory' is no approver.*vera, otto"):
        approve(armed, new, by="mallory")
    approve(armed, new, by="otto")
    require(armed, "2026-06-01", new)


def test_an_approval_of_another_diff_is_refused(armed: Shop) -> None:
    new, other = armed.edition(P3Y, **LATER), armed.edition(("P2Y", "P4Y"), **LATER)
    see(armed, new)
    see(armed, other)
    diff = diff_policies(armed.loaded.policy, other.policy)
    with pytest.raises(GuardStop, match="the diff that was read is not the one"):
        approve_edition(armed.act("approver"), bytes.fromhex(new.digest), "vera", diff.digest)


def test_the_runner_can_neither_approve_nor_plant_an_approved_edition(armed: Shop) -> None:
    new = armed.edition(P3Y, **LATER)
    see(armed, new)
    diff = diff_policies(armed.loaded.policy, new.policy)
    with pytest.raises(ConfigurationError, match="only the approver"):
        approve_edition(armed.act("runner"), bytes.fromhex(new.digest), "vera", diff.digest)
    planted = armed.edition(("P2Y", "P1M"), **LATER)
    columns = "digest, name, version, effective_from, announced_on"
    values = "%s, 'shop', '2026-02', '2026-01-01', '2026-01-01'"
    named = (bytes.fromhex(planted.digest),)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), armed.act("runner").cursor() as c:
        c.execute(
            f"INSERT INTO lethe.policy_version ({columns}, approved_at, approved_by)"
            f" VALUES ({values}, now(), 'vera')",
            named,
        )
    with armed.act("runner").cursor() as cursor:
        cursor.execute(f"INSERT INTO lethe.policy_version ({columns}) VALUES ({values})", named)
    armed.connection.commit()
    with pytest.raises(GuardStop, match="nobody has approved"):
        require(armed, "2026-06-01", planted)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), armed.act("runner").cursor() as c:
        c.execute("UPDATE lethe.policy_version SET approved_by = 'vera'")
    armed.connection.rollback()


def test_a_replaced_edition_does_not_run_again(armed: Shop) -> None:
    new = armed.edition(P3Y, **LATER)
    see(armed, new)
    approve(armed, new)
    require(armed, "2026-05-11")
    with pytest.raises(GuardStop, match="was replaced by edition 2026-02"):
        require(armed, "2026-05-12")


def test_a_rejected_edition_says_who_rejected_it(armed: Shop) -> None:
    new = armed.edition(P3Y, **LATER)
    see(armed, new)
    diff = diff_policies(armed.loaded.policy, new.policy)
    approve_edition(
        armed.act("approver"), bytes.fromhex(new.digest), "otto", diff.digest, decision="reject"
    )
    with pytest.raises(GuardStop, match="rejected by otto"):
        require(armed, "2026-06-01", new)


def test_drafts_seen_before_arming_do_not_count_and_arming_again_opens_nothing(
    shop: Shop,
) -> None:
    draft = shop.edition(("P2Y", "P5Y"))
    see(shop, draft)
    require(shop, "2026-01-01", draft)
    see(shop)
    arm(shop.connection, "vera")
    require(shop, "2026-01-01")
    with pytest.raises(GuardStop, match="nobody has approved"):
        require(shop, "2026-01-01", draft)
    disarm(shop.connection, "vera")
    new = shop.edition(P3Y, **LATER)
    see(shop, new)
    arm(shop.connection, "vera")
    with pytest.raises(GuardStop, match="nobody has approved"):
        require(shop, "2026-06-01", new)


def test_the_decision_is_on_the_ledger(armed: Shop) -> None:
    new = armed.edition(P3Y, **LATER)
    see(armed, new)
    approve(armed, new)
    rows = armed.execute("SELECT payload FROM lethe.ledger WHERE kind = 'edition_approve'")
    assert rows[0][0]["by"] == "vera"
    assert rows[0][0]["policy"] == new.digest


def test_an_edition_whose_forerunner_cannot_be_read_any_more_is_approved_as_a_whole(
    armed: Shop,
) -> None:
    new = armed.edition(P3Y, **LATER)
    see(armed, new)
    armed.execute(
        "UPDATE lethe.policy_version SET source = 'of: an older Lethe' WHERE diff IS NULL"
    )
    digest = bytes.fromhex(new.digest)
    approve_edition(armed.act("approver"), digest, "vera", digest, witness=armed.witness)
    require(armed, "2026-06-01", new)


def test_a_lethe_that_names_the_same_policy_otherwise_asks_for_no_approval(shop: Shop) -> None:
    see(shop)
    # As a Lethe whose policies had one key less: the same file, another digest.
    shop.execute("UPDATE lethe.policy_version SET digest = sha256('an older Lethe')")
    arm(shop.connection, "vera")
    see(shop)
    require(shop, "2026-06-01")
    editions = read_editions(shop.act("runner"))
    assert [each is editions.first for each in editions.seen] == [True]
    assert editions.find(bytes.fromhex(shop.loaded.digest)) is editions.first
    new = shop.edition(P3Y, **LATER)
    see(shop, new)
    with pytest.raises(GuardStop, match="nobody has approved its diff"):
        require(shop, "2026-06-01", new)
    approve(shop, new)
    require(shop, "2026-06-01", new)
    with pytest.raises(GuardStop, match="was replaced by edition 2026-02"):
        require(shop, "2026-06-01")
