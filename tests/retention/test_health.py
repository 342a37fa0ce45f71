"""Health: silence, overdue rows, forgotten approvals and holds, evidence, witness."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.initialise import arm
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.seal import seal_ledger
from lethe.policy.model.places import Connector, System
from lethe.retention.health import Health, check_health

from tests.shop import Shop

TODAY = date(2026, 6, 10)


def health(shop: Shop, as_of: date = TODAY, now: datetime | None = None) -> Health:
    return check_health(
        shop.act("reader"), shop.loaded.policy, as_of, witness=shop.witness, now=now
    )


def night(
    shop: Shop,
    as_of: date,
    done: int = 1,
    state: str = "done",
    rule_state: str = "done",
    oldest: date | None = None,
    **counts: int,
) -> str:
    (row,) = shop.execute(
        "INSERT INTO lethe.run (kind, policy_name, policy_version, policy_digest, as_of, state,"
        " sealed_seal_no, started_at, finished_at)"
        " VALUES ('sweep', 'shop', '1', sha256(''), %s, %s, %s, %s, %s) RETURNING run_id",
        (as_of, state, None if state in ("failed", "stopped") else 1, as_of, as_of),
    )
    named = {name.replace("_", " ").replace("  ", ": "): n for name, n in counts.items()}
    shop.execute(
        "INSERT INTO lethe.plan_rule (run_id, rule, subject_kind, clause, state, oldest_on, counts)"
        " VALUES (%s, 'inactive', 'customer', 'retention', %s, %s, %s)",
        (row[0], rule_state, oldest, json.dumps({"done": done, **named})),
    )
    return str(row[0])


@pytest.fixture
def armed(shop: Shop) -> Shop:
    """An armed shop whose evidence is sealed."""
    arm(shop.connection, "vera")
    seal_ledger(shop.connection, shop.witness)
    return shop


def test_a_shop_swept_last_night_is_healthy(armed: Shop) -> None:
    night(armed, TODAY - timedelta(days=1))
    found = health(armed)
    assert found.problems == []
    assert found.exit_code == 0
    assert found.line().startswith("healthy: last sealed sweep 2026-06-09, oldest overdue 0 days")
    json.dumps(found.as_data())


def test_silence_is_an_alarm(armed: Shop) -> None:
    assert health(armed).problems == ["no sweep has been sealed yet"]
    night(armed, TODAY - timedelta(days=2))
    assert health(armed).line() == (
        "not healthy: the last sealed sweep is 2 days old, of 2026-06-08"
    )
    night(armed, TODAY - timedelta(days=1), state="failed")
    assert "the sweep of 2026-06-09 failed" in health(armed).line()


def test_tonight_must_be_done_by_its_hour(armed: Shop) -> None:
    night(armed, TODAY - timedelta(days=1))
    before = datetime(2026, 6, 10, 5, 59, tzinfo=UTC)
    assert health(armed, now=before).is_healthy
    assert not health(armed, now=before + timedelta(minutes=1)).is_healthy
    night(armed, TODAY)
    assert health(armed, now=before + timedelta(minutes=1)).is_healthy


def test_an_unarmed_warehouse_is_not_healthy(shop: Shop) -> None:
    night(shop, TODAY)
    assert health(shop).problems == ["report-only: the warehouse is not armed, nothing is erased"]


def test_nights_without_any_work_are_counted_until_they_alarm(armed: Shop) -> None:
    for number in range(31):
        night(armed, TODAY - timedelta(days=number), done=1 if number == 30 else 0)
    found = health(armed)
    assert found.facts["zero_nights"] == 30
    assert found.problems == ["nobody was erased in the last 30 nights"]
    assert health(armed, TODAY).facts["last_sweep_age_days"] == 0


def test_the_oldest_overdue_subject_is_told_per_rule(armed: Shop) -> None:
    run = night(armed, TODAY, state="waiting", rule_state="approved")
    for number, (day, outcome) in enumerate(
        [("2026-05-01", "done"), ("2026-06-01", None), ("2026-06-05", None)], start=1
    ):
        armed.execute(
            "INSERT INTO lethe.plan_subject (run_id, rule, subject_no, subject_kind, key, due_on,"
            " outcome) VALUES (%s, 'inactive', %s, 'customer', '{1}', %s, %s)",
            (run, number, day, outcome),
        )
    assert health(armed, date(2026, 6, 8)).facts["overdue_days"] == {"inactive": 7}
    assert health(armed, date(2026, 6, 8)).problems == []
    assert health(armed, date(2026, 6, 9)).problems == [
        "rule inactive (clause retention, approved): the oldest subject is 8 days overdue"
    ]
    night(armed, TODAY + timedelta(days=1))
    (left,) = health(armed, TODAY + timedelta(days=1)).problems
    assert "10 days overdue" in left, "a newer plan does not hide an approved set that is left"


def test_a_backlog_that_is_worked_off_is_work(armed: Shop) -> None:
    run = night(armed, TODAY - timedelta(days=40), done=5)
    for number in range(40):
        night(armed, TODAY - timedelta(days=number), done=0)
    assert health(armed).facts["zero_nights"] == 40
    closed = TODAY - timedelta(days=2)
    armed.execute("UPDATE lethe.run SET finished_at = %s WHERE run_id = %s", (closed, run))
    assert health(armed).facts["zero_nights"] == 2


def test_what_was_set_aside_is_a_problem(armed: Shop) -> None:
    night(armed, TODAY, quarantined__SQLSTATE_23503=2)
    assert health(armed).problems == ["rule inactive: 2 subjects are set aside"]


def test_an_approval_that_nobody_gives_is_told_with_its_age(armed: Shop) -> None:
    run = night(armed, TODAY, state="waiting", rule_state="waiting", oldest=TODAY)
    found = health(armed)
    assert (found.facts["waiting"], found.facts["waiting_days"]) == (1, {"inactive": 0})
    assert found.is_healthy
    armed.execute("UPDATE lethe.run SET started_at = '2026-06-01' WHERE run_id = %s", (run,))
    assert health(armed).problems == ["rule inactive has waited for an approval since 2026-06-01"]


def test_holds_past_their_review_and_holds_on_lost_queries_are_told(armed: Shop) -> None:
    night(armed, TODAY)
    armed.execute(
        "INSERT INTO lethe.hold (subject_kind, key, query_name, reason, owner, review_on,"
        " created_by) VALUES ('customer', '{1}', NULL, 'x', 'y', '2026-06-09', 'z'),"
        " ('customer', NULL, 'gone', 'x', 'y', '2026-06-10', 'z')"
    )
    found = health(armed)
    assert (found.facts["holds"], found.facts["holds_past_review"]) == (2, 1)
    assert found.problems == [
        "1 holds are past their review",
        "a hold on 'gone' of customer is in force, and the policy has no such query",
    ]


def test_refused_dates_that_stand_too_long_make_the_clause_not_kept(armed: Shop) -> None:
    for days in range(40, -1, -1):
        night(armed, TODAY - timedelta(days=days), refused__no_date=3)
    found = health(armed)
    assert found.facts["not_kept"] == {
        "retention": ["inactive: 3 subjects, no date since 2026-05-01"]
    }
    assert found.problems == [
        "clause retention is not kept: inactive: 3 subjects, no date since 2026-05-01"
    ]


def add_evidence(shop: Shop) -> None:
    batch = EvidenceBatch(shop.act("runner"), None, shop.witness)
    batch.add_rows([LedgerRow("test", {})])
    batch.commit()


def test_evidence_that_is_not_sealed_for_a_day_is_told(armed: Shop) -> None:
    night(armed, TODAY)
    add_evidence(armed)
    assert health(armed).facts["unsealed_batches"] == 1
    assert health(armed).is_healthy
    armed.execute("ALTER TABLE lethe.ledger DISABLE TRIGGER ALL")
    armed.execute("UPDATE lethe.ledger SET at = now() - interval '25 hours' WHERE kind = 'test'")
    assert "1 batches of evidence are not sealed, the oldest for 25 hours" in health(armed).problems
    seal_ledger(armed.connection, armed.witness)
    assert health(armed).is_healthy


def test_a_witness_that_is_behind_and_a_warehouse_that_is_behind_are_told(
    armed: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(armed, TODAY)
    add_evidence(armed)
    assert health(armed).facts["witness"] == armed.witness.position().number
    monkeypatch.setattr("lethe.retention.witness_signs._IN_FLIGHT", timedelta(0))
    assert health(armed).is_healthy
    armed.execute("ALTER TABLE lethe.ledger_batch DISABLE TRIGGER ALL")
    kept = armed.execute("SELECT max(witness_no) FROM lethe.ledger_batch")[0][0]
    armed.execute("UPDATE lethe.ledger_batch SET witness_no = 999 WHERE witness_no = %s", (kept,))
    assert "the warehouse names 999" in health(armed).line()
    armed.execute("DELETE FROM lethe.ledger_batch WHERE witness_no = 999")
    assert "does not have the last batch of its witness" in health(armed).line()


def test_a_restore_that_took_what_was_confirmed_is_told_at_once(armed: Shop) -> None:
    night(armed, TODAY)
    add_evidence(armed)
    armed.execute("ALTER TABLE lethe.ledger_batch DISABLE TRIGGER ALL")
    newest = "(SELECT max(witness_no) FROM lethe.ledger_batch)"
    armed.execute(f"DELETE FROM lethe.ledger_batch WHERE witness_no = {newest}")
    assert "does not have the last batch of its witness" in health(armed).line()


def test_ten_years_of_nights_are_asked_in_seconds(armed: Shop) -> None:
    armed.execute(
        "WITH nights AS (INSERT INTO lethe.run (kind, policy_name, policy_version, policy_digest,"
        " as_of, state, sealed_seal_no, started_at)"
        " SELECT 'sweep', 'shop', '1', sha256(''), d::date, 'done', 1, d"
        " FROM generate_series('2016-06-10'::timestamptz, '2026-06-10', '1 day') AS d"
        " RETURNING run_id)"
        " INSERT INTO lethe.plan_rule (run_id, rule, subject_kind, clause, state, counts)"
        " SELECT run_id, 'rule' || n, 'customer', 'retention', 'done',"
        ' \'{"done": 1, "refused: no date": 2, "refused: no starting point": 3}\''
        " FROM nights, generate_series(1, 10) AS n"
    )
    begun = time.monotonic()
    health(armed)
    assert time.monotonic() - begun < 5


def test_files_of_the_erased_that_are_still_there_are_no_health(armed: Shop) -> None:
    night(armed, TODAY)
    systems = armed.loaded.policy.systems
    add = (
        "INSERT INTO lethe.outbox"
        " (batch, system, action, target, outcome, intended_at, finished_at)"
        " VALUES (gen_random_uuid(), 'proofs', 'destroy', %s, %s, %s, %s)"
    )
    armed.execute(add, ("a", None, TODAY - timedelta(days=1), None))
    armed.execute(add, ("b", "done", TODAY - timedelta(days=9), TODAY))
    assert health(armed).problems == [], "nobody has a connector to that system"
    connector = Connector(kind="folder", location="proofs")
    systems["proofs"] = System.model_construct(connector=connector)
    assert health(armed).problems == []
    armed.execute(
        "UPDATE lethe.outbox SET intended_at = %s WHERE target = 'a'", (TODAY - timedelta(days=5),)
    )
    (said,) = health(armed).problems
    assert "1 files of erased people wait, one for 5 days" in said
    armed.execute(
        "UPDATE lethe.outbox SET outcome = 'quarantined', finished_at = now() WHERE target = 'a'"
    )
    (said,) = health(armed).problems
    assert "1 files of erased people were set aside" in said
    assert health(armed).facts["files"] == {"proofs": {"open": 0, "set_aside": 1}}
