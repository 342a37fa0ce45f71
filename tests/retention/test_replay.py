"""The drill: back up, sweep, restore, replay; and people who come back of their own will."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import psycopg2
import pytest
from lethe.errors import GuardStop
from lethe.retention.approved import work_off
from lethe.retention.approving import approve_restored
from lethe.retention.night_guard import settle_night
from lethe.retention.replay import Replay, replay
from psycopg2 import extensions, sql

from tests.kit import Kit, MakeKit

TODAY = date(2026, 6, 1)
DDL = """
CREATE TABLE customer (id int PRIMARY KEY, email text, left_on date, seen_on date);
CREATE TABLE note (id int PRIMARY KEY, customer_id int REFERENCES customer, body text);
INSERT INTO customer VALUES
    (1, 'Ada@example.org', '2020-01-31', NULL), (2, 'bob@example.org', '2021-02-28', NULL),
    (3, 'cy@example.org', NULL, NULL), (4, 'di@example.org', '2026-05-01', NULL);
INSERT INTO note VALUES (10, 1, 'x'), (20, 2, 'y'), (30, 3, 'z');
"""
POLICY = """
subjects:
  customer: {title: customers, table: public.customer, key: id, identifiers: {email: email}}
clusters:
  customer: {subject: customer}
tables:
  public.customer:
    cluster: customer
    columns: {id: key, email: identifier, left_on: date, seen_on: date}
    activity: seen_on
  public.note: {cluster: customer, columns: {id: key, customer_id: key, body: content}}
rules:
  gone:
    cluster: customer
    clause: retention
    title: two years after leaving
    period: P2Y
    starting_point: {event: leaving, latest: [{column: left_on, optional: true}]}
"""


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


def back_up(kit: Kit) -> str:
    """Copy the database as a backup would; gives the copy's name."""
    name = extensions.parse_dsn(kit.dsn)["dbname"]
    return copy_database(kit, name, f"{name}_backup")


def restore(kit: Kit, backup: str) -> Kit:
    """Put a backup in the place of the warehouse: the witness stays as it is."""
    name = extensions.parse_dsn(kit.dsn)["dbname"]
    kit.connection.close()
    administer(kit, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    copy_database(kit, backup, name)
    administer(kit, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(backup)))
    restored = replace(kit, connection=kit.connect())
    kit.connection = restored.connection
    return restored


def copy_database(kit: Kit, source: str, target: str) -> str:
    command = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(target), sql.Identifier(source)
    )
    kit.connection.close()
    administer(kit, command)
    kit.connection = kit.connect() if source in kit.dsn else kit.connection
    return target


def administer(kit: Kit, command: sql.Composed) -> None:
    connection = psycopg2.connect(extensions.make_dsn(kit.dsn, dbname="postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(command)
    connection.close()


def returned(done: Replay) -> dict[str, Any]:
    (only,) = done.returned
    return {
        "restored": {key[0] for key in only.restored},
        "same_identifier": only.same_identifier,
        "same_key": only.same_key,
    }


def test_a_restored_warehouse_stops_every_sweep_until_it_was_replayed(kit: Kit) -> None:
    backup = back_up(kit)
    assert kit.outcome(kit.sweep(TODAY))["erased"] == 2
    kit = restore(kit, backup)
    assert kit.ids("public.customer") == [1, 2, 3, 4]
    with pytest.raises(GuardStop, match="lethe sweep replay"):
        kit.sweep(TODAY)
    assert kit.ids("public.customer") == [1, 2, 3, 4], "nothing was erased meanwhile"
    done = replay(kit.site, TODAY)
    assert done.state == "behind"
    assert done.tombstones == 4, "a key and an e-mail of each of the two"
    assert returned(done) == {"restored": {"1", "2"}, "same_identifier": 0, "same_key": 0}
    settle_night(kit.site, TODAY)


def test_who_was_erased_is_erased_again_after_approval_and_not_before(kit: Kit) -> None:
    backup = back_up(kit)
    kit.sweep(TODAY)
    kit = restore(kit, backup)
    done = replay(kit.site, TODAY)
    assert done.waiting == {"gone": 2}
    assert work_off(kit.site, None) == {}
    assert kit.ids("public.customer") == [1, 2, 3, 4]
    approve_restored(kit.site, done.digests["gone"], "vera")
    assert work_off(kit.site, None) == {"gone": 2}
    assert kit.ids("public.customer") == [3, 4]
    assert kit.ids("public.note") == [30]


def test_a_restored_customer_who_became_active_since_is_left_in_peace(kit: Kit) -> None:
    backup = back_up(kit)
    kit.sweep(TODAY)
    kit = restore(kit, backup)
    done = replay(kit.site, TODAY)
    kit.execute("UPDATE customer SET left_on = NULL WHERE id = 1")
    approve_restored(kit.site, done.digests["gone"], "vera")
    assert work_off(kit.site, None) == {"gone": 1}
    assert kit.ids("public.customer") == [1, 3, 4]


def test_a_person_who_comes_back_and_a_number_used_again_are_counted_and_stay(kit: Kit) -> None:
    kit.sweep(TODAY)
    kit.execute(
        "INSERT INTO customer VALUES (7, 'ADA@example.org', NULL, '2026-05-30'),"
        " (2, 'new@example.org', NULL, '2026-05-30')"
    )
    done = replay(kit.site, TODAY)
    assert done.state == "in_step"
    assert returned(done) == {"restored": set(), "same_identifier": 1, "same_key": 1}
    assert done.run_id is None
    assert kit.ids("public.customer") == [2, 3, 4, 7]


def test_a_late_import_of_an_erased_customer_is_recognised_without_a_restore(kit: Kit) -> None:
    kit.sweep(TODAY)
    kit.execute("INSERT INTO customer VALUES (1, 'ada@EXAMPLE.org', '2020-01-31', NULL)")
    done = replay(kit.site, TODAY)
    assert returned(done)["restored"] == {"1"}
    assert done.waiting == {"gone": 1}


def test_only_what_a_replay_found_is_approved_as_such_and_never_behind_the_witness(
    kit: Kit,
) -> None:
    strict = kit.under(POLICY + "guards: {cap: {subjects: 1}}\n")
    run = strict.sweep(TODAY)
    (rule,) = run.summary["rules"]
    with pytest.raises(GuardStop, match="no set that a replay found"):
        approve_restored(strict.site, rule["digest"], "vera")
    backup = back_up(strict)
    strict.sweep(TODAY, approve=rule["digest"], approved_by="vera")
    restored = restore(strict, backup)
    assert restored.ids("public.customer") == [1, 2, 3, 4]
    restored.execute(
        "INSERT INTO lethe.approval (run_id, rule, digest, policy_digest, decision, decided_by)"
        " SELECT r.run_id, p.rule, p.digest, r.policy_digest, 'approve', 'vera'"
        " FROM lethe.plan_rule AS p JOIN lethe.run AS r USING (run_id) WHERE p.state = 'waiting'"
    )
    with pytest.raises(GuardStop, match="lethe sweep replay"):
        work_off(restored.site, None)
    assert restored.ids("public.customer") == [1, 2, 3, 4]


def test_outside_of_a_night_the_eraser_proves_itself_before_it_works(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = kit.under(POLICY + "guards: {cap: {subjects: 1}}\n")
    strict.sweep(TODAY)
    strict.execute(
        "INSERT INTO lethe.approval (run_id, rule, digest, policy_digest, decision, decided_by)"
        " SELECT r.run_id, p.rule, p.digest, r.policy_digest, 'approve', 'vera'"
        " FROM lethe.plan_rule AS p JOIN lethe.run AS r USING (run_id) WHERE p.state = 'waiting'"
    )

    def fails(*_: object) -> None:
        raise GuardStop("the eraser's own test failed")

    monkeypatch.setattr("lethe.retention.readiness.prove_eraser", fails)
    with pytest.raises(GuardStop, match="own test failed"):
        work_off(strict.site, None)
    assert strict.ids("public.customer") == [1, 2, 3, 4]
