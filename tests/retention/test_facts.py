"""Facts for reports: what a period of sweeping is made of, from Lethe's own tables."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from lethe.connections import acting_as
from lethe.erasure.record import Recorder
from lethe.errors import GuardStop, WarehouseRefused
from lethe.retention import readiness
from lethe.retention.fact_shapes import SweepFacts
from lethe.retention.facts import sweep_facts
from lethe.retention.plan import read_plan

from tests.kit import TODAY, Kit, MakeKit

DDL = """
CREATE TABLE person (id int PRIMARY KEY, mail text, ended_on date, blocked bool DEFAULT false);
CREATE TABLE note (id int PRIMARY KEY, person_id int REFERENCES person);
INSERT INTO person SELECT i, i || '@example.org', '2020-01-01' FROM generate_series(1, 3) AS i;
INSERT INTO person VALUES (4, '4@example.org', NULL, false),
    (5, '5@example.org', '2020-01-01', true);
INSERT INTO note SELECT i, 1 + i % 3 FROM generate_series(1, 6) AS i;
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules: {r: {cluster: c, starting_point: {latest: [{column: ended_on}]}}}
tables:
  public.person:
    cluster: c
    columns: {mail: contact}
    not_personal: [id, ended_on, blocked]
  public.note: {cluster: c}
systems:
  mailing: {title: Mailing list, kind: saas, owner: sales}
guards:
  cap: {subjects: CAP}
  approvers: [{user: vera, name: Vera}]
  restrictions:
    blocked: {subject: person, where: {column: blocked, is: "true"}, because: Art. 18}
"""


def facts(kit: Kit, first: date, last: date) -> SweepFacts:
    with kit.site.connected("reader") as connection:
        acting_as(connection, "reader")
        return sweep_facts(connection, kit.loaded.policy, first, last)


def test_a_night_is_told_in_counts_by_rule_and_table(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY.replace("CAP", "10"))
    run = kit.sweep(requested_by="otto")
    found = facts(kit, TODAY, TODAY)
    (night,) = found.nights
    assert (night.state, night.erased, night.requested_by) == ("done", {"r": 3}, "otto")
    assert night.seal_no == run.seal_no
    assert night.tables == {"public.note": {"deleted": 6}, "public.person": {"deleted": 3}}
    (rule,) = found.rules
    assert (rule.due, rule.erased, rule.restricted, rule.refused) == (3, 3, 1, {"no date": 1})
    assert rule.coming == {"7": 0, "30": 0}
    assert [each.sentence for each in found.refusals] == [f"r: 1 subjects, no date since {TODAY}"]
    assert found.unreached == ("mailing",)
    text = json.dumps(found.as_data())
    assert "example.org" not in text
    assert facts(kit, TODAY + timedelta(days=1), TODAY + timedelta(days=30)).nights == ()


def test_a_set_worked_off_over_nights_counts_on_each_of_them_what_went_then(
    make_kit: MakeKit,
) -> None:
    kit = make_kit(DDL, POLICY.replace("CAP", "2"))
    kit.sweep()
    waiting = facts(kit, TODAY, TODAY)
    (open_set,) = waiting.waiting
    assert (open_set.due, open_set.left, open_set.state) == (3, 3, "waiting")
    assert "the cap is 2" in open_set.over_limit
    assert waiting.rules[0].overdue_days > 0
    digest = read_plan(kit.site, TODAY).digest.hex()
    kit.sweep(approve=digest, approved_by="vera")
    first = facts(kit, TODAY, TODAY)
    assert first.rules[0].erased == 2
    assert [(each.state, each.left) for each in first.sets] == [("approved", 1)]
    assert [(each.decided_by, each.decision) for each in first.approvals] == []
    tomorrow = TODAY + timedelta(days=1)
    kit.sweep(tomorrow)
    second = facts(kit, tomorrow, tomorrow)
    assert second.rules[0].erased == 1
    assert second.sets == ()
    assert (
        sum(night.tables.get("public.person", {}).get("deleted", 0) for night in second.nights) == 1
    )
    assert facts(kit, TODAY, tomorrow).rules[0].erased == 3


def test_approvals_holds_and_editions_of_the_period_are_told(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY.replace("CAP", "2"))
    kit.sweep(approve=read_plan(kit.site, TODAY).digest.hex(), approved_by="vera")
    kit.execute(
        "INSERT INTO lethe.hold (subject_kind, key, reason, owner, review_on, created_by) VALUES"
        " ('person', '{4}', 'case of Mr. Somebody', 'legal', '2026-05-01', 'vera')"
    )
    ((now,),) = kit.execute("SELECT now()::date")
    found = facts(kit, TODAY, now)
    assert [(each.decided_by, each.decision, each.rule) for each in found.approvals] == [
        ("vera", "approve", "r")
    ]
    (hold,) = found.holds
    assert (hold.sort, hold.owner, hold.origin, hold.count, hold.past_review) == (
        "hold", "legal", "hand", 1, 1,
    )  # fmt: skip
    assert [each.is_in_force for each in found.editions] == [True]
    assert found.armed_by
    assert "Somebody" not in json.dumps(found.as_data())


def test_a_night_that_broke_off_tells_what_it_had_done_until_it_is_closed(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(DDL, POLICY.replace("CAP", "10") + "  batches: {subjects: 1}\n")
    real = Recorder.write
    batches: list[int] = []

    def breaking(self: Recorder, *arguments: Any) -> None:
        batches.append(1)
        if len(batches) == 2:
            raise WarehouseRefused("the disk is full", "53100")
        real(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "write", breaking)
        with pytest.raises(WarehouseRefused):
            kit.sweep()
    (night,) = facts(kit, TODAY, TODAY).nights
    assert (night.state, night.erased, night.undecided) == ("running", {"r": 1}, 2)
    assert "not worked off: r (2)" in (night.reason or "")
    kit.sweep()
    (night,) = facts(kit, TODAY, TODAY).nights
    assert (night.state, night.erased, night.undecided) == ("done", {"r": 3}, 0)
    assert kit.execute("SELECT count(*) FROM lethe.ledger WHERE kind = 'sweep_closed'") == [(1,)]


def test_what_became_of_the_canaries_is_told_with_their_night_and_a_wrong_one_as_an_event(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(DDL, POLICY.replace("CAP", "10"))
    kit.sweep(canaries={"gone": "r: done"})
    (night,) = facts(kit, TODAY, TODAY).nights
    assert night.canaries == {"gone": "r: done"}
    ((told,),) = kit.execute(
        "SELECT payload -> 'canaries' FROM lethe.ledger WHERE kind = 'sweep_closed'"
    )
    assert told == {"gone": "r: done"}

    def wrong(*_: Any) -> None:
        raise GuardStop("nothing is erased: canary 'gone': it should be erased and was not")

    monkeypatch.setattr(readiness, "try_canaries", wrong)
    with pytest.raises(GuardStop):
        readiness.prove_ready(kit.site, TODAY)
    ((today,),) = kit.execute("SELECT now()::date")
    events = [each for each in facts(kit, today, today).events if each.kind == "sweep_unproven"]
    assert "canary 'gone'" in events[0].payload["reason"]
