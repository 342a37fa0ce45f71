"""An edition that changes a key: a night erases nobody of whom a hold named the old key."""

from __future__ import annotations

import pytest
from lethe.connections import acting_as
from lethe.errors import GuardStop
from lethe.retention.check import check_policy
from lethe.retention.facts import sweep_facts
from lethe.retention.health import Health, check_health
from lethe.retention.night_guard import guard_night, settle_night
from lethe.retention.night_work import erase_rule
from lethe.retention.plan import freeze_plan

from tests.kit import TODAY, Kit, MakeKit

TABLES = """
CREATE TABLE person (id text NOT NULL, land text NOT NULL, ended_on date, UNIQUE (land, id),
                     UNIQUE (id));
CREATE TABLE guest (id int PRIMARY KEY, ended_on date);
INSERT INTO person SELECT n, 'LU', '2020-01-01' FROM generate_series(1, 3) AS n;
INSERT INTO guest SELECT n, '2020-01-01' FROM generate_series(1, 2) AS n;
"""
POLICY = """
subjects: {person: {table: public.person, key: id}, guest: {table: public.guest, key: id}}
clusters: {c: {subject: person}, g: {subject: guest}}
rules:
  r: {cluster: c, starting_point: {latest: [{table: public.person, column: ended_on}]}}
  s: {cluster: g, starting_point: {latest: [{table: public.guest, column: ended_on}]}}
tables: {public.person: {cluster: c}, public.guest: {cluster: g}}
"""
LATER = POLICY.replace("public.person, key: id", "public.person, key: [land, id]")
HOLD = """
INSERT INTO lethe.hold (subject_kind, key, key_of, reason, owner, review_on, created_by)
VALUES ('person', '{2}', '{public.person,id}', 'Case 12', 'legal', '2027-01-01', 'vera')
"""


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    kit = make_kit(TABLES, POLICY)
    kit.execute(HOLD)
    return kit.under(LATER)


def health(kit: Kit) -> Health:
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        return check_health(connection, kit.loaded.policy, TODAY)


def test_the_rules_of_the_kind_stop_with_the_way_out_and_others_go_on(kit: Kit) -> None:
    run = kit.sweep()
    (stopped,) = [each for each in run.summary["rules"] if each["state"] == "stopped"]
    assert stopped["rule"] == "r"
    assert "owner legal" in stopped["over_limit"]
    assert "public.person (land, id) now" in stopped["over_limit"]
    assert (kit.ids("person"), kit.ids("guest")) == (["1", "2", "3"], [])


def test_a_hold_without_force_is_asked_about_again_at_the_act(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES, LATER)
    settle_night(kit.site, TODAY)
    run_id = freeze_plan(kit.site, TODAY)
    guard_night(kit.site, run_id)
    kit.execute(HOLD)
    with pytest.raises(GuardStop, match="without effect"):
        erase_rule(kit.site, run_id, "r")
    assert kit.ids("person") == ["1", "2", "3"]


def test_health_and_the_check_of_the_policy_name_it(kit: Kit) -> None:
    with kit.site.connected("planner") as connection:
        report = check_policy(connection, kit.loaded, TODAY)
    (alarm,) = [each for each in report.alarms if each.code == "hold-without-force"]
    assert alarm.path == "subjects.person"
    assert "owner legal" in alarm.message
    found = health(kit)
    assert found.facts["holds_without_force"] == 1
    assert any("laid under the key public.person (id)" in each for each in found.problems)


def test_health_names_a_rule_that_a_key_of_another_type_stopped(make_kit: MakeKit) -> None:
    kit = make_kit(TABLES, POLICY)
    kit.execute(HOLD.replace("'{2}'", "'{x2}'"))
    kit.execute("ALTER TABLE person ALTER id TYPE int USING id::int")
    kit.sweep()
    assert kit.ids("person") == [1, 2, 3]
    (told,) = [each for each in health(kit).problems if "rule r was stopped" in each]
    assert "no value of (id integer)" in told
    assert "x2" not in told


def test_a_hold_under_the_key_of_today_holds_its_subject_alone(kit: Kit) -> None:
    kit.execute("UPDATE lethe.hold SET key = '{LU,2}', key_of = '{public.person,land,id}'")
    assert kit.outcome(kit.sweep(), "r") == {"erased": 2, "held": 1}
    assert kit.ids("person") == ["2"]


def test_the_report_says_that_the_clause_of_a_stopped_rule_is_not_kept(kit: Kit) -> None:
    run = kit.sweep()
    (clause,) = [each["clause"] for each in run.summary["rules"] if each["rule"] == "r"]
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        facts = sweep_facts(connection, kit.loaded.policy, TODAY, TODAY)
    assert any("owner legal" in sentence for sentence in facts.not_kept[clause])
