"""A night that is not done by its hour rings once; one that is done, or begun later, never."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from lethe.retention.late import find_delay, note_delay

from tests.kit import TODAY, Kit, MakeKit
from tests.retention.test_replay import DDL, POLICY

ZONE = ZoneInfo("Europe/Luxembourg")


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    made = make_kit(DDL, POLICY)
    made.execute("UPDATE lethe.warehouse SET created_at = '2026-05-01'")
    return made


def at(hour: int, minute: int = 0, day: int = 1) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=ZONE)


def test_a_night_is_late_from_its_hour_on_and_one_begun_later_is_not(kit: Kit) -> None:
    policy = kit.loaded.policy
    assert policy.guards.done_by == "06:00"
    assert find_delay(policy, "night", at(3, 30), at(5, 59)) is None
    assert find_delay(policy, "night", at(3, 30), at(6, 0)) is not None
    assert find_delay(policy, "night", at(3, 30), at(1, 0, day=2)) is not None
    assert find_delay(policy, "by hand", at(11, 0), at(12, 0)) is None


def test_of_alarms_that_ring_at_the_same_moment_one_is_noted(kit: Kit) -> None:
    delay = find_delay(kit.loaded.policy, "night", at(3, 30), at(6, 0))
    assert delay is not None
    with ThreadPoolExecutor(4) as pool:
        noted = list(pool.map(lambda _: note_delay(kit.site, delay), range(4)))
    assert sorted(noted) == [False, False, False, True]
    rows = kit.execute("SELECT payload ->> 'done_by' FROM lethe.ledger WHERE kind = 'sweep_late'")
    assert rows == [("06:00",)]


def test_a_night_that_is_done_rings_no_more(kit: Kit) -> None:
    kit.sweep(TODAY)
    kit.execute("UPDATE lethe.run SET name = 'night'")
    delay = find_delay(kit.loaded.policy, "night", at(3, 30), at(6, 0))
    assert delay is not None
    assert note_delay(kit.site, delay) is False


def test_a_night_whose_hour_was_over_before_lethe_was_set_up_rings_not(kit: Kit) -> None:
    delay = find_delay(kit.loaded.policy, "night", at(3, 30), at(11, 0))
    assert delay is not None
    kit.execute("UPDATE lethe.warehouse SET created_at = '2026-06-01 10:50+02'")
    assert note_delay(kit.site, delay) is False
    kit.execute("UPDATE lethe.warehouse SET created_at = '2026-06-01 05:50+02'")
    assert note_delay(kit.site, delay) is True
