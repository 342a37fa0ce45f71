"""Several erasers on one set, and the order in which its subjects go."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from lethe.erasure.eraser import Eraser
from lethe.erasure.pace import Pace
from lethe.erasure.traffic import Traffic
from lethe.errors import WarehouseUnreachable
from lethe.retention.night_guard import guard_night, settle_night
from lethe.retention.night_work import erase_rule
from lethe.retention.plan import freeze_plan
from psycopg2 import extensions

from tests.kit import TODAY, Kit, MakeKit

DUE = 60
# The oldest have the highest keys.
DDL = f"""
CREATE TABLE account (id int PRIMARY KEY, closed_on date);
INSERT INTO account SELECT n, date '2020-01-01' - n FROM generate_series(1, {DUE}) AS n;
"""
POLICY = """
subjects: {account: {table: public.account, key: id}}
clusters: {c: {subject: account}}
rules: {r: {cluster: c, starting_point: {latest: [{table: public.account, column: closed_on}]}}}
tables: {public.account: {cluster: c}}
guards: {cap: {subjects: 100000}, batches: {subjects: 5, workers: 3}}
"""


def _night(kit: Kit) -> Any:
    settle_night(kit.site, TODAY)
    run_id = freeze_plan(kit.site, TODAY)
    guard_night(kit.site, run_id)
    return run_id


def _shards(kit: Kit) -> list[int]:
    return [row[0] for row in kit.execute("SELECT DISTINCT shard FROM lethe.plan_table ORDER BY 1")]


@pytest.fixture
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks of others at the warehouse are too few to count."""
    monkeypatch.setattr(Traffic, "is_busy", lambda _: False)


def test_a_large_set_is_worked_off_by_as_many_as_the_policy_says(
    make_kit: MakeKit, nobody_else: None
) -> None:
    kit = make_kit(DDL, POLICY)
    tally = erase_rule(kit.site, _night(kit), "r")
    assert tally.done == DUE
    assert kit.ids("account") == []
    assert _shards(kit) == [0, 1, 2]


def test_a_set_that_is_soon_done_needs_one(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY.replace("subjects: 5", "subjects: 50"))
    assert erase_rule(kit.site, _night(kit), "r").done == DUE
    assert _shards(kit) == [0]


def test_when_one_breaks_the_others_stop_and_running_again_ends_the_work(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch, nobody_else: None
) -> None:
    kit = make_kit(DDL, POLICY)
    run_id = _night(kit)
    whole = Eraser._claim

    def broken(self: Eraser, cursor: Any, numbers: Any) -> Any:
        if self._shard == 1:
            raise WarehouseUnreachable("the connection broke")
        return whole(self, cursor, numbers)

    with monkeypatch.context() as patch:
        patch.setattr(Eraser, "_claim", broken)
        with pytest.raises(WarehouseUnreachable):
            erase_rule(kit.site, run_id, "r")
    left = len(kit.ids("account"))
    assert left > 0
    assert erase_rule(kit.site, run_id, "r").done == left
    assert kit.ids("account") == []


def test_who_goes_is_decided_by_age_and_they_go_in_the_order_of_their_keys(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(DDL, POLICY)
    run_id = _night(kit)
    windows: list[list[int]] = []
    whole = Eraser._oldest

    def listed(self: Eraser, after: int) -> list[int]:
        windows.append(whole(self, after))
        return windows[-1]

    monkeypatch.setattr(Eraser, "_oldest", listed)
    monkeypatch.setattr("lethe.erasure.eraser._WINDOW", 20)
    erase_rule(kit.site, run_id, "r", workers=1)
    # Numbers count from the oldest on, whose keys are the highest.
    assert [sorted(window) for window in windows[:3]] == [
        list(range(1, 21)),
        list(range(21, 41)),
        list(range(41, 61)),
    ]
    assert all(window == sorted(window, reverse=True) for window in windows)


def test_while_others_work_the_first_works_alone(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit(DDL, POLICY)
    monkeypatch.setattr(Traffic, "is_busy", lambda _: True)
    assert erase_rule(kit.site, _night(kit), "r").done == DUE
    assert _shards(kit) == [0]


def test_beside_others_the_eraser_rests_and_alone_it_does_not(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    polite = POLICY.replace("workers: 3", "workers: 1, beside_others: {share: 0.2}")
    monkeypatch.setattr(Traffic, "is_busy", lambda _: True)
    kit = make_kit(DDL, polite)
    tally = erase_rule(kit.site, _night(kit), "r")
    assert tally.done == DUE
    assert tally.rested_s > 0
    monkeypatch.setattr(Traffic, "is_busy", lambda _: False)
    kit = make_kit(DDL, polite)
    tally = erase_rule(kit.site, _night(kit), "r")
    assert tally.done == DUE
    assert tally.rested_s == 0


def test_a_rule_that_gave_way_says_so_once(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Traffic, "is_busy", lambda _: True)
    monkeypatch.setattr(Pace, "rest_s", lambda _, worked_s: 0.2 if worked_s else 0.0)
    caplog.set_level("INFO", "lethe")
    kit = make_kit(DDL, POLICY.replace("workers: 3", "workers: 1"))
    erase_rule(kit.site, _night(kit), "r")
    assert "others work;" not in caplog.text, "nothing is known yet"
    assert re.search(r"Rule r: rested for [2-9]\d* s", caplog.text)
    monkeypatch.setattr(Traffic, "was_seen", True)
    kit = make_kit(DDL, POLICY.replace("workers: 3", "workers: 1"))
    erase_rule(kit.site, _night(kit), "r")
    assert caplog.text.count("Rule r: others work; batches are small and rest") == 1


def test_the_eraser_rests_between_transactions_and_not_after_the_last(
    make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    resting: list[int] = []
    monkeypatch.setattr(Traffic, "is_busy", lambda _: True)
    kit = make_kit(DDL, POLICY.replace("workers: 3", "workers: 1"))
    run_id = _night(kit)
    whole = Eraser._give_way

    def watched(self: Eraser) -> None:
        assert self.connection.status == extensions.STATUS_READY
        before = self.tally.rested_s
        whole(self)
        if self.tally.rested_s > before:
            resting.append(self.tally.done)

    monkeypatch.setattr(Eraser, "_give_way", watched)
    tally = erase_rule(kit.site, run_id, "r")
    assert len(resting) == tally.batches - 1
    assert DUE not in resting


def test_others_are_seen_by_the_transactions_that_they_end(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    looking, other = kit.connect(), kit.connect()
    other.autocommit = True
    traffic = Traffic(looking, above=50)
    assert traffic.is_busy(), "nothing is known yet"
    assert _until(lambda: not traffic.is_busy()), "nobody is there"
    stop = threading.Event()
    talking = threading.Thread(target=_talk, args=(other, stop))
    talking.start()
    try:
        assert _until(traffic.is_busy), "somebody is"
        assert traffic.wait(lambda: True) is False
        # A session tells what it did once a second: between two looks it may seem silent.
        assert all(_pass(0.1) and traffic.is_busy() for _ in range(20))
    finally:
        stop.set()
        talking.join(30)
    assert _until(lambda: not traffic.is_busy())
    assert looking.status == extensions.STATUS_READY
    looking.close()
    other.close()


@pytest.mark.parametrize(
    "says",
    [
        "INSERT INTO lethe.ledger_batch (batch, row_count) VALUES (gen_random_uuid(), 1)",
        "TABLE account; ROLLBACK",  # a batch that found its subjects claimed by another worker
    ],
    ids=["a batch", "nothing to claim"],
)
def test_what_lethe_itself_does_is_not_somebody_elses(make_kit: MakeKit, says: str) -> None:
    kit = make_kit(DDL, POLICY)
    looking, other = kit.connect(), kit.connect()
    other.autocommit = "ROLLBACK" not in says
    stop = threading.Event()
    talking = threading.Thread(target=_talk, args=(other, stop, says))
    talking.start()
    try:
        traffic = Traffic(looking, above=50)
        assert _until(lambda: not traffic.is_busy())
        assert all(_pass(0.1) and not traffic.is_busy() for _ in range(20))
    finally:
        stop.set()
        talking.join(30)
    looking.close()
    other.close()


def _talk(connection: Any, stop: threading.Event, says: str = "TABLE account") -> None:
    with connection.cursor() as cursor:
        while not stop.wait(0.002):
            cursor.execute(says)


def _pass(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def _until(is_so: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 20
    while not is_so():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True
