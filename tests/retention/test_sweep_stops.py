"""What stops a subject that is due: at the plan, and again at the act."""

from __future__ import annotations

import threading
import time
from datetime import date
from uuid import uuid4

import pytest
from lethe.retention import statements
from lethe.retention.night_close import close_night
from lethe.retention.night_guard import guard_night, settle_night
from lethe.retention.night_work import erase_rule, verify_night
from lethe.retention.plan import freeze_plan

from tests.kit import TODAY, Kit, MakeKit

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, ended_on date, blocked bool DEFAULT false);
CREATE TABLE service (id int PRIMARY KEY, person_id int NOT NULL REFERENCES person, ends_on date);
CREATE TABLE basket (id int PRIMARY KEY, person_id int REFERENCES person);
CREATE TABLE line (id int PRIMARY KEY, basket_id int REFERENCES basket ON DELETE CASCADE,
                   added_on date);
CREATE TABLE lawsuit (id int PRIMARY KEY, person_id int REFERENCES person, closed_on date);
INSERT INTO person SELECT n, '2020-01-01' FROM generate_series(1, 4) AS n;
INSERT INTO service SELECT n, n, '2020-01-01' FROM generate_series(1, 4) AS n;
INSERT INTO basket SELECT n, n FROM generate_series(1, 4) AS n;
INSERT INTO line SELECT n, n, '2019-01-01' FROM generate_series(1, 4) AS n;
INSERT INTO lawsuit SELECT n, n, '2019-01-01' FROM generate_series(1, 4) AS n;
"""
POLICY = """
subjects: {person: {table: public.person, key: id}}
clusters: {c: {subject: person}}
rules:
  r:
    cluster: c
    starting_point: {latest: [{table: public.service, column: ends_on, running:
                               {column: ends_on, is: "null"}}]}
tables:
  public.person: {cluster: c}
  public.service: {cluster: c}
  public.basket: {cluster: c}
  public.line: {cluster: c, activity: added_on}
  public.lawsuit: {cluster: c}
guards:
  batches: {lock_timeout_ms: 3000}
  holds:
    lawsuit:
      subject: person
      where: {exists: {table: public.lawsuit, where: {column: closed_on, is: "null"}}}
      because: a lawsuit is open
  restrictions:
    blocked: {subject: person, where: {column: blocked, is: "true"}, because: Art. 18}
"""
STOPS = {
    "held": "UPDATE lawsuit SET closed_on = NULL WHERE id = 1",
    "restricted": "UPDATE person SET blocked = true WHERE id = 1",
    "no longer due": "UPDATE service SET ends_on = '2026-05-01' WHERE id = 1",
    "newer rows": "UPDATE line SET added_on = '2026-05-01' WHERE id = 1",
}


def frozen(kit: Kit, as_of: date = TODAY) -> Kit:
    settle_night(kit.site, as_of)
    run_id = freeze_plan(kit.site, as_of, name=str(uuid4()))
    guard_night(kit.site, run_id)
    kit.run_id = run_id  # type: ignore[attr-defined]
    return kit


def finish(kit: Kit) -> dict[str, int]:
    run_id = kit.run_id  # type: ignore[attr-defined]
    erase_rule(kit.site, run_id, "r")
    return kit.outcome(close_night(kit.site, run_id, verify_night(kit.site, run_id)))


@pytest.mark.parametrize("reason", STOPS)
def test_what_stops_a_subject_counts_at_the_plan(make_kit: MakeKit, reason: str) -> None:
    kit = make_kit(TABLES + STOPS[reason], POLICY)
    run = kit.sweep()
    assert kit.outcome(run)["erased"] == 3
    assert kit.ids("person") == [1]


@pytest.mark.parametrize("reason", STOPS)
def test_what_stops_a_subject_counts_again_at_the_act(make_kit: MakeKit, reason: str) -> None:
    kit = frozen(make_kit(TABLES, POLICY))
    kit.execute(STOPS[reason])
    assert finish(kit) == {"erased": 3, reason: 1}
    assert kit.ids("person") == [1]
    assert kit.ids("line") == [1]


SOONER = "UPDATE service SET ends_on = ends_on - 1 WHERE id = 1"


def test_who_is_due_earlier_than_the_frozen_day_waits_for_the_next_plan(make_kit: MakeKit) -> None:
    kit = frozen(make_kit(TABLES, POLICY))
    kit.execute(SOONER)
    assert finish(kit) == {"erased": 3, "due earlier than planned": 1}
    assert (kit.ids("person"), kit.ids("line")) == ([1], [1])
    assert kit.outcome(kit.sweep()) == {"erased": 1}


def test_who_is_due_later_than_the_frozen_day_and_still_due_goes(make_kit: MakeKit) -> None:
    kit = frozen(make_kit(TABLES, POLICY))
    kit.execute(SOONER.replace("- 1", "+ 1"))
    assert finish(kit) == {"erased": 4}


@pytest.mark.parametrize("reason", STOPS)
def test_what_somebody_is_just_writing_is_waited_for_and_counts(
    make_kit: MakeKit, reason: str
) -> None:
    kit = frozen(make_kit(TABLES, POLICY))
    writer = kit.connect()
    writer.cursor().execute(STOPS[reason])
    found: dict[str, int] = {}
    worker = threading.Thread(target=lambda: found.update(finish(kit)))
    worker.start()
    time.sleep(1.0)
    writer.commit()
    writer.close()
    worker.join(30)
    assert kit.ids("person") == [1]
    assert found["erased"] == 3
    assert kit.ids("line") == [1]


@pytest.mark.parametrize(
    ("insert", "reason"),
    [
        ("INSERT INTO service VALUES (9, 1, NULL)", "no longer due"),
        ("INSERT INTO line VALUES (9, 1, '2026-05-01')", "newer rows"),
        ("INSERT INTO lawsuit VALUES (9, 1, NULL)", "held"),
    ],
)
def test_a_row_that_somebody_is_just_adding_is_waited_for_and_counts(
    make_kit: MakeKit, insert: str, reason: str
) -> None:
    kit = frozen(make_kit(TABLES, POLICY))
    writer = kit.connect()
    writer.cursor().execute(insert)
    found: dict[str, int] = {}
    worker = threading.Thread(target=lambda: found.update(finish(kit)))
    worker.start()
    time.sleep(1.0)
    writer.commit()
    writer.close()
    worker.join(30)
    # The writer's foreign key holds the subject's row: that alone is a reason to leave it.
    assert found in ({"erased": 3, reason: 1}, {"erased": 3, "locked by somebody else": 1})
    assert kit.ids("person") == [1]
    assert 1 in kit.ids("basket")


def test_a_subject_that_somebody_keeps_locked_is_skipped_and_the_rest_goes(
    make_kit: MakeKit,
) -> None:
    kit = frozen(make_kit(TABLES, POLICY.replace("3000", "100")))
    holder = kit.connect()
    holder.cursor().execute("SELECT FROM person WHERE id = 1 FOR UPDATE")
    assert finish(kit) == {"erased": 3, "locked by somebody else": 1}
    holder.close()
    assert kit.ids("person") == [1]


def test_a_child_row_that_somebody_keeps_locked_makes_its_subject_skipped(
    make_kit: MakeKit,
) -> None:
    kit = frozen(make_kit(TABLES, POLICY.replace("3000", "100")))
    holder = kit.connect()
    holder.cursor().execute("UPDATE line SET added_on = added_on WHERE id = 2")
    assert finish(kit) == {"erased": 3, "locked by somebody else": 1}
    holder.close()
    assert kit.ids("person") == [2]


def test_who_is_gone_or_back_by_the_time_of_the_act_is_skipped(make_kit: MakeKit) -> None:
    kit = frozen(make_kit(TABLES, POLICY))
    for table in ("service", "line", "basket", "lawsuit"):
        kit.execute(f"DELETE FROM {table} WHERE id = 1")
    kit.execute("DELETE FROM person WHERE id = 1")
    assert finish(kit) == {"erased": 3, "already gone": 1}


def test_rows_newer_than_the_cut_off_of_their_own_country_stop_at_the_act(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The re-check looks away, as in a race: the delete itself tells whose row is too new."""
    kit = make_kit(
        """
        CREATE TABLE person (id int PRIMARY KEY, country text, ended_on date);
        CREATE TABLE visit (id int PRIMARY KEY, person_id int REFERENCES person, at date);
        INSERT INTO person VALUES (1, 'FR', '2010-01-01'), (2, 'LU', '2010-01-01');
        INSERT INTO visit VALUES (1, 1, '2022-01-01'), (2, 2, '2022-01-01');
        """,
        """
subjects: {person: {table: public.person, key: id, country: country}}
clusters: {c: {subject: person}}
rules:
  r:
    cluster: c
    starting_point: {latest: [{column: ended_on}]}
    at_least: {FR: {period: P5Y, law: Code}}
tables: {public.person: {cluster: c}, public.visit: {cluster: c, activity: at}}
""",
    )
    monkeypatch.setattr(statements, "_newer", lambda *_: [])
    run = kit.sweep()
    assert kit.ids("person") == [1], "five years in France, two elsewhere"
    assert kit.outcome(run) == {"erased": 1, "rows of public.visit became newer": 1}
