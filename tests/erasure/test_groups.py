"""Subjects that are groups of rows: any row of a group may say that it lives."""

from __future__ import annotations

import threading
import time

import pytest
from lethe.erasure.batch import BatchAct

from tests.kit import Kit, MakeKit

DDL = """
CREATE TABLE visit (id int PRIMARY KEY, cookie text, seen_on date);
CREATE INDEX ON visit (cookie);
INSERT INTO visit VALUES (1, 'x', '2020-01-01'), (2, 'x', '2020-02-01'), (3, 'y', '2020-01-01');
"""
TABLE = "subjects: {visitor: {table: public.visit, key: cookie}}"
QUERY = """
subjects:
  visitor: {query: "SELECT DISTINCT cookie FROM public.visit", key: cookie}
"""
POLICY = """
clusters: {c: {subject: visitor}}
rules:
  r: {cluster: c, starting_point: {latest: [{table: public.visit, column: seen_on}]}}
tables:
  public.visit: {cluster: c, links: [{columns: cookie}]}
guards: {batches: {lock_timeout_ms: 8000}}
"""


@pytest.fixture(params=[TABLE, QUERY], ids=["key that is not unique", "query"])
def kit(request: pytest.FixtureRequest, make_kit: MakeKit) -> Kit:
    policy = POLICY
    if request.param == TABLE:
        policy = policy.replace(", links: [{columns: cookie}]", "")
        policy = policy.replace("table: public.visit, column", "column")
    return make_kit(DDL, request.param + policy)


def waits_for_lock(kit: Kit) -> bool:
    found = kit.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'lethe' AND wait_event_type = 'Lock'"
    )
    return bool(found[0][0])


def test_a_row_that_is_being_written_is_waited_for_and_heard(kit: Kit) -> None:
    writer = kit.connect()
    writer.cursor().execute("UPDATE visit SET seen_on = '2026-05-31' WHERE id = 2")
    told: list[dict[str, int]] = []
    night = threading.Thread(target=lambda: told.append(kit.outcome(kit.sweep())))
    night.start()
    until = time.monotonic() + 30
    while not waits_for_lock(kit) and time.monotonic() < until:
        time.sleep(0.01)
    writer.commit()
    writer.close()
    night.join(60)
    assert told == [{"erased": 1, "no longer due": 1}]
    assert kit.ids("visit") == [1, 2]


def test_a_row_that_comes_after_the_judgement_stops_its_group(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = BatchAct._recheck
    came: list[int] = []

    def then_one_comes(self: BatchAct, *, thorough: bool) -> None:
        judge(self, thorough=thorough)
        if not came:
            came.append(1)
            kit.execute("INSERT INTO visit VALUES (4, 'x', '2026-05-31')")

    monkeypatch.setattr(BatchAct, "_recheck", then_one_comes)
    assert kit.outcome(kit.sweep()) == {"erased": 1, "no longer due": 1}
    assert kit.ids("visit") == [1, 2, 4]


def test_a_row_of_the_key_that_is_no_subject_of_the_kind_stays(make_kit: MakeKit) -> None:
    kit = make_kit(
        """
        CREATE TABLE visit (id int PRIMARY KEY, cookie text, kind text, seen_on date);
        INSERT INTO visit VALUES (1, 'x', 'web', '2020-01-01'), (2, 'x', 'internal', '2026-05-01'),
            (3, 'x', NULL, '2026-05-01'), (4, 'x', 'web', '2020-02-01');
        """,
        """
        subjects:
          visitor: {table: public.visit, key: cookie, where: {column: kind, equals: web}}
        clusters: {c: {subject: visitor}}
        rules: {r: {cluster: c, starting_point: {latest: [{column: seen_on}]}}}
        tables: {public.visit: {cluster: c}}
        """,
    )
    assert kit.outcome(kit.sweep()) == {"erased": 1}
    assert kit.ids("visit") == [2, 3]
    assert kit.sweep().summary["rules"][0]["planned"] == 0
