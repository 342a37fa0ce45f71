"""What is over a limit is destroyed only after a named person approved that very set."""

from __future__ import annotations

import getpass
from datetime import date
from typing import Any

import pytest
from lethe.archive.approvals import open_questions, work_off
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.errors import GuardStop, TamperingFound
from lethe.evidence.initialise import disarm
from lethe.retention.approved import record

from tests.archive.shop import DDL, POLICY
from tests.kit import TODAY, Kit, MakeKit
from tests.retention.test_replay import back_up, restore

END = date(2030, 7, 1)


@pytest.fixture
def capped(make_kit: MakeKit) -> Kit:
    """A shop whose three documents come to their end on one day, under a cap of two."""
    policy = POLICY.replace("cap: {subjects: 50}", "cap: {subjects: 2}").replace(
        "approvers: [{user: vera, name: Vera}]",
        "approvers: [{user: vera, name: Vera}, {user: otto, name: Otto}]",
    )
    kit = make_kit(DDL, policy)
    run_archive(kit.site, TODAY)
    return kit


def living(kit: Kit) -> int:
    counted = kit.execute("SELECT count(*) FROM lethe.archive_record WHERE kind = 'document'")
    return int(counted[0][0])


def wait(kit: Kit, as_of: date = END, by: str | None = "otto") -> dict[str, Any]:
    run = run_archive(kit.site, as_of, requested_by=by)
    (expiry,) = run.summary["expiry"]
    assert (run.state, expiry["state"]) == ("waiting", "waiting")
    return dict(expiry)


def test_a_set_over_the_cap_waits_and_nothing_is_destroyed(capped: Kit) -> None:
    assert "2" in wait(capped)["over_limit"]
    assert living(capped) == 4


def test_an_approved_set_is_worked_off_at_most_the_cap_a_night(capped: Kit) -> None:
    digest = wait(capped)["digest"]
    run_archive(capped.site, END, approve=digest, approved_by="vera")
    assert living(capped) == 2
    later = run_archive(capped.site, date(2030, 7, 2))
    assert (living(capped), later.summary["expiry"][0]["counts"].get("due", 0)) == (1, 0)
    assert verify_archive(capped.site).faults == []
    assert capped.execute("SELECT count(*) FROM lethe.plan_subject") == [(0,)]
    assert capped.execute(
        "SELECT payload ->> 'by' FROM lethe.ledger WHERE kind = 'plan_approved'"
    ) == [("vera",)]


@pytest.mark.parametrize(
    ("by", "why"), [("otto", "asked for this run"), ("nobody", "may not decide"), ("", "--by")]
)
def test_only_a_named_approver_who_did_not_ask_for_it_approves(
    capped: Kit, by: str, why: str
) -> None:
    assert getpass.getuser() not in ("vera", "otto")
    digest = wait(capped)["digest"]
    with pytest.raises(GuardStop, match=why):
        run_archive(capped.site, END, approve=digest, approved_by=by)
    assert living(capped) == 4


def test_another_digest_approves_nothing(capped: Kit) -> None:
    wait(capped)
    with pytest.raises(GuardStop, match="waits under the digest"):
        run_archive(capped.site, END, approve="00" * 32, approved_by="vera")


def test_a_newer_plan_takes_the_place_of_one_that_nobody_answered(capped: Kit) -> None:
    old = wait(capped)["digest"]
    wait(capped, date(2030, 7, 2))
    with pytest.raises(GuardStop, match="waits under the digest"):
        run_archive(capped.site, END, approve=old, approved_by="vera")


def test_the_question_names_figures_and_those_who_may_answer_it(capped: Kit) -> None:
    digest = wait(capped)["digest"]
    (asked,) = open_questions(capped.site)
    assert asked["subject"] == "Destroy 3 archived documents as of 2030-07-01?"
    assert [user["id"] for user in asked["assigned_users"]] == ["vera"]
    assert digest in asked["body"]
    assert "ann" not in str(asked).casefold()


@pytest.mark.parametrize(("said", "left"), [("Approve", 2), ("Reject", 4)])
def test_an_answer_in_the_workflow_is_worked_off_or_destroys_nothing(
    capped: Kit, said: str, left: int
) -> None:
    wait(capped)
    (asked,) = open_questions(capped.site)
    answer = {"chosen_options": [said], "responded_by_user": {"id": "vera", "name": "Vera"}}
    record(capped.site, asked["data"], answer)
    work_off(capped.site)
    assert living(capped) == left
    assert open_questions(capped.site) == []


def test_a_record_that_came_under_a_hold_after_the_approval_stays(capped: Kit) -> None:
    digest = wait(capped)["digest"]
    capped.execute("INSERT INTO legal_case VALUES (1, 1, NULL)")
    run_archive(capped.site, END, approve=digest, approved_by="vera")
    assert living(capped) == 4


def test_a_record_that_is_due_earlier_than_approved_stays_until_that_day_is_approved(
    capped: Kit,
) -> None:
    digest = wait(capped)["digest"]
    capped.execute("UPDATE account SET ended_on = '2020-06-29' WHERE id = 1")
    run_archive(capped.site, date(2030, 7, 2), approve=digest, approved_by="vera")
    assert living(capped) == 4
    first, second = (
        each["expiry"][0]
        for (each,) in capped.execute(
            "SELECT summary FROM lethe.run WHERE kind = 'archive' AND as_of >= %s ORDER BY as_of",
            (END,),
        )
    )
    assert (first["state"], first["skipped"]) == ("done", {"due earlier than planned": 3})
    assert (second["state"], second["counts"]["due"]) == ("waiting", 3)


def approved(kit: Kit) -> Kit:
    """The same with its set approved, and nothing of it worked off."""
    wait(kit)
    (asked,) = open_questions(kit.site)
    answer = {"chosen_options": ["Approve"], "responded_by_user": {"id": "vera", "name": "Vera"}}
    record(kit.site, asked["data"], answer)
    return kit


def test_outside_of_a_night_nothing_is_destroyed_behind_the_witness(capped: Kit) -> None:
    backup = back_up(approved(capped))
    run_archive(capped.site, date(2030, 7, 2))
    restored = restore(capped, backup)
    with pytest.raises(GuardStop, match="witness"):
        work_off(restored.site)
    assert living(restored) == 4


def test_outside_of_a_night_report_only_destroys_nothing(capped: Kit) -> None:
    approved(capped)
    with capped.site.connected("approver") as connection:
        disarm(connection, "vera")
    assert work_off(capped.site) == {}
    assert living(capped) == 4


def test_outside_of_a_night_nothing_is_destroyed_of_an_archive_that_was_changed(
    capped: Kit,
) -> None:
    approved(capped)
    capped.execute("ALTER TABLE lethe.archive_head DISABLE TRIGGER refuse_change")
    capped.execute("DELETE FROM lethe.archive_head")
    with pytest.raises(TamperingFound):
        work_off(capped.site)
    assert living(capped) == 4
