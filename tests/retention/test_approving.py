"""Approvals at a shell, and what a day may erase: one cap, however many runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lethe.errors import GuardStop
from lethe.retention.approved import work_off
from lethe.retention.approving import identify_approver
from lethe.retention.plan import read_plan

from tests.kit import TODAY, Kit, MakeKit

PEOPLE = """
CREATE TABLE person (id int PRIMARY KEY, ended_on date);
CREATE TABLE pet (id int PRIMARY KEY, ended_on date);
INSERT INTO person SELECT i, '2020-01-01' FROM generate_series(1, 9) AS i;
"""
POLICY = """
subjects: {person: {table: public.person, key: id}, pet: {table: public.pet, key: id}}
clusters: {c: {subject: person}, d: {subject: pet}}
rules:
  r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}
  s: {cluster: d, starting_point: {latest: [{column: ended_on}]}}
tables: {public.person: {cluster: c}, public.pet: {cluster: d}}
guards: {cap: {subjects: 2}, approvers: [{user: vera, name: Vera}, {user: otto, name: Otto}]}
"""


def rule_digest(kit: Kit, rule: str = "r") -> str:
    (found,) = [each for each in read_plan(kit.site, TODAY).rules if each.rule == rule]
    return found.digest.hex()


def approved(kit: Kit) -> list[tuple[str, ...]]:
    return kit.execute("SELECT decided_by FROM lethe.approval")


def test_only_a_named_approver_approves_at_a_shell_and_never_who_asked_for_the_set(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY)
    kit.sweep(requested_by="vera")
    digest = rule_digest(kit)
    with pytest.raises(GuardStop, match="'mallory' may not decide; the policy names: vera, otto"):
        kit.sweep(approve=digest, approved_by="mallory")
    with pytest.raises(GuardStop, match="asked for this run"):
        kit.sweep(approve=digest, approved_by="vera", requested_by="vera")
    assert approved(kit) == []
    assert len(kit.ids("person")) == 9
    kit.sweep(approve=digest, approved_by="otto", requested_by="otto")
    assert approved(kit) == [("otto",)]
    assert len(kit.ids("person")) == 7


def test_an_approver_with_a_role_of_his_own_needs_a_login_that_is_a_member_of_it(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY.replace("name: Vera}", "name: Vera, database_role: no_such}"))
    with pytest.raises(GuardStop, match="under the database role 'no_such'"):
        identify_approver(kit.site, "vera")
    assert identify_approver(kit.site, "otto") == "otto"
    ((login,),) = kit.execute("SELECT session_user")
    own = kit.under(POLICY.replace("name: Vera}", f"name: Vera, database_role: {login}}}"))
    assert identify_approver(own.site, "") == "vera", "named by the login of the connection"


def test_the_plan_says_what_would_wait_and_does_not_count_an_open_set_again(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY)
    plan = read_plan(kit.site, TODAY)
    assert plan.over == {"r": "9 subjects are due, the cap is 2 a night"}
    kit.sweep(approve=rule_digest(kit), approved_by="vera")
    plan = read_plan(kit.site, TODAY + timedelta(days=1))
    (rule,) = [each for each in plan.rules if each.rule == "r"]
    assert (rule.due, rule.counts["in an open plan"]) == (0, 7)
    assert plan.over == {}


def test_several_sweeps_of_one_day_share_one_cap(make_kit: MakeKit) -> None:
    kit = make_kit(PEOPLE, POLICY)
    kit.sweep(approve=rule_digest(kit), approved_by="vera")
    kit.sweep()
    kit.sweep()
    assert len(kit.ids("person")) == 7
    run = kit.sweep(TODAY + timedelta(days=1))
    assert len(kit.ids("person")) == 5
    assert run.summary["worked_off"] == {"r": 2}
    assert run.summary["outlook"]["zero_nights"] == 0


def test_what_becomes_due_after_the_cap_of_the_day_is_used_up_waits(make_kit: MakeKit) -> None:
    kit = make_kit(PEOPLE.replace("(1, 9)", "(1, 2)"), POLICY)
    kit.sweep()
    assert kit.ids("person") == []
    kit.execute("INSERT INTO person VALUES (10, '2020-01-01')")
    run = kit.sweep()
    assert kit.ids("person") == [10]
    (rule,) = [each for each in run.summary["rules"] if each["rule"] == "r"]
    assert "1 subjects are due after 2 were erased already" in rule["over_limit"]


def test_what_the_night_itself_plans_goes_before_the_backlog(make_kit: MakeKit) -> None:
    kit = make_kit(PEOPLE, POLICY)
    kit.sweep(approve=rule_digest(kit), approved_by="vera")
    kit.execute("INSERT INTO person VALUES (10, '2024-06-01')")
    kit.sweep(TODAY + timedelta(days=1))
    left = kit.ids("person")
    assert 10 not in left
    assert len(left) == 6, "one of tonight and one of the backlog"


def test_a_set_that_is_refused_does_not_stop_the_others(make_kit: MakeKit) -> None:
    kit = make_kit(
        PEOPLE + "INSERT INTO pet SELECT i, '2020-01-01' FROM generate_series(1, 5) AS i;", POLICY
    )
    kit.sweep(approve=read_plan(kit.site, TODAY).digest.hex(), approved_by="vera")
    assert (len(kit.ids("person")), len(kit.ids("pet"))) == (7, 3)
    kit.execute("UPDATE lethe.plan_subject SET due_on = due_on + 1 WHERE rule = 'r'")
    with pytest.raises(GuardStop, match="rule r: the frozen set is not the one"):
        work_off(kit.site, None)
    assert (len(kit.ids("person")), len(kit.ids("pet"))) == (7, 1)


def test_another_edition_of_the_policy_voids_what_was_approved_and_keeps_nobody_for_ever(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY)
    kit.sweep(approve=rule_digest(kit), approved_by="vera")
    kit.execute("UPDATE lethe.warehouse SET armed_at = NULL, armed_by = NULL")
    kit.execute("DELETE FROM lethe.policy_version")
    newer = kit.under(POLICY.replace("subjects: 2", "subjects: 3"))
    (rule,) = [each for each in read_plan(newer.site, TODAY).rules if each.rule == "r"]
    assert rule.due == 7
    with pytest.raises(GuardStop, match="report-only"):
        newer.sweep()
    assert ("superseded",) in kit.execute("SELECT state FROM lethe.plan_rule WHERE rule = 'r'")


def test_who_was_reactivated_or_held_since_the_set_was_shown_does_not_void_its_approval(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY)
    kit.sweep()
    shown = rule_digest(kit)
    kit.execute("UPDATE person SET ended_on = '2026-05-01' WHERE id = 1")
    run = kit.sweep(approve=shown, approved_by="vera")
    assert run.summary["worked_off"] == {"r": 2}
    (rule,) = [each for each in run.summary["rules"] if each["rule"] == "r"]
    assert rule["kept"] == {"in an open plan": 8}
    assert len(kit.ids("person")) == 7, "the cap of the night"
    for day in range(1, 5):
        kit.sweep(TODAY + timedelta(days=day))
    assert kit.ids("person") == [1]


CAME = "INSERT INTO person VALUES (10, '2020-01-01')"
SOONER = "UPDATE person SET ended_on = '2019-01-01' WHERE id = 1"


@pytest.mark.parametrize("change", [CAME, SOONER])
def test_a_digest_that_was_never_frozen_is_not_approved_once_its_rows_changed(
    make_kit: MakeKit, change: str
) -> None:
    kit = make_kit(PEOPLE, POLICY)
    shown = rule_digest(kit)
    kit.execute(change)
    kit.sweep()
    with pytest.raises(GuardStop, match="and none that waits"):
        kit.sweep(approve=shown, approved_by="vera")
    assert approved(kit) == []
    assert len(kit.ids("person")) >= 9


def test_a_set_is_approved_on_a_later_day_though_others_became_due_since(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY.replace("subjects: 2", "subjects: 4"))
    kit.sweep()
    shown = rule_digest(kit)
    kit.execute("INSERT INTO person SELECT i, '2020-01-01' FROM generate_series(10, 14) AS i")
    told: list[str] = []
    run = kit.sweep(TODAY + timedelta(days=1), approve=shown, approved_by="vera", tell=told.append)
    assert run.summary["worked_off"] == {"r": 4}
    (rule,) = [each for each in run.summary["rules"] if each["rule"] == "r"]
    assert (rule["due"], rule["kept"], rule["state"]) == (5, {"in an open plan": 9}, "waiting")
    assert kit.ids("person") == list(range(5, 15)), "the oldest of those who were approved"
    assert any(line.startswith("Rule r: 5 subjects came since") for line in told)
    kit.sweep(TODAY + timedelta(days=2))
    kit.sweep(TODAY + timedelta(days=3))
    assert kit.ids("person") == [10, 11, 12, 13, 14], "nobody but who was approved"


def test_who_came_since_a_set_was_approved_goes_under_the_own_plan_of_the_night(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY)
    kit.sweep()
    shown = rule_digest(kit)
    kit.execute(CAME)
    run = kit.sweep(TODAY + timedelta(days=1), approve=shown, approved_by="vera")
    (rule,) = [each for each in run.summary["rules"] if each["rule"] == "r"]
    assert (rule["due"], rule["erased"], rule["over_limit"]) == (1, 1, None)
    assert run.summary["worked_off"] == {"r": 1}, "what the night's cap leaves"
    assert kit.ids("person") == list(range(2, 10))


def test_who_is_due_earlier_than_approved_is_set_aside_for_a_plan_of_his_own(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY.replace("subjects: 2", "subjects: 5"))
    kit.sweep()
    shown = rule_digest(kit)
    kit.execute("UPDATE person SET ended_on = '2019-01-01' WHERE id <= 6")
    run = kit.sweep(approve=shown, approved_by="vera")
    (rule,) = [each for each in run.summary["rules"] if each["rule"] == "r"]
    assert (rule["due"], rule["state"]) == (6, "waiting")
    assert kit.ids("person") == [1, 2, 3, 4, 5, 6]
    ((earlier,),) = kit.execute(
        "SELECT counts FROM lethe.plan_rule WHERE rule = 'r' AND state = 'done'"
    )
    assert (earlier["done"], earlier["skipped: due earlier than planned"]) == (3, 6)
    kit.sweep(approve=rule["digest"], approved_by="vera")
    assert kit.ids("person") == [3, 4, 5, 6], "five a day, and three went before"


def test_who_becomes_due_earlier_after_the_approval_is_not_erased_under_it(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(PEOPLE, POLICY.replace("subjects: 2", "subjects: 5"))
    kit.sweep(approve=rule_digest(kit), approved_by="vera")
    assert kit.ids("person") == [6, 7, 8, 9]
    kit.execute("UPDATE person SET ended_on = '2019-01-01' WHERE id = 7")
    run = kit.sweep(TODAY + timedelta(days=1))
    assert run.summary["worked_off"] == {"r": 3}
    assert kit.ids("person") == [7]
    ((counts,),) = kit.execute("SELECT counts FROM lethe.plan_rule WHERE counts ->> 'done' = '8'")
    assert counts["skipped: due earlier than planned"] == 1
    run = kit.sweep(TODAY + timedelta(days=2))
    assert kit.outcome(run, "r") == {"erased": 1}, "under the plan of the next night"


def test_an_approval_that_a_crash_broke_off_is_given_again_without_harm(make_kit: MakeKit) -> None:
    kit = make_kit(PEOPLE, POLICY)
    kit.sweep()
    shown = rule_digest(kit)
    kit.execute(CAME)

    def break_off(line: str) -> None:
        if line.startswith("Rule r: 1 subjects came"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kit.sweep(approve=shown, approved_by="vera", tell=break_off)
    for day in (0, 0, 1):
        kit.sweep(TODAY + timedelta(days=day), approve=shown, approved_by="vera")
    assert approved(kit) == [("vera",)]
    assert len(kit.ids("person")) == 6


def test_a_whole_plan_that_waits_is_approved_by_its_own_digest(make_kit: MakeKit) -> None:
    kit = make_kit(
        PEOPLE + "INSERT INTO pet SELECT i, '2020-01-01' FROM generate_series(1, 5) AS i;", POLICY
    )
    whole = read_plan(kit.site, TODAY).digest.hex()
    kit.sweep()
    kit.execute("DELETE FROM person WHERE id = 1")
    run = kit.sweep(approve=whole, approved_by="vera")
    assert run.summary["worked_off"] == {"r": 2, "s": 2}
