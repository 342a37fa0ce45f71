"""What a night's summary says beyond its sums."""

from __future__ import annotations

from datetime import date

import pytest

from tests.kit import Kit, MakeKit
from tests.retention.test_replay import DDL, POLICY

TODAY = date(2026, 6, 1)


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    return make_kit(DDL, POLICY)


def test_a_night_says_what_comes_within_a_week_and_a_month(kit: Kit) -> None:
    kit.execute(
        "INSERT INTO customer VALUES (5, 'e@example.org', '2024-06-05', NULL),"
        " (6, 'f@example.org', '2024-06-20', NULL)"
    )
    outlook = kit.sweep(TODAY).summary["outlook"]
    assert outlook["coming"] == {"gone": {"7": 1, "30": 2}}


def test_a_night_counts_who_came_back_and_whom_a_restore_or_an_import_brought(kit: Kit) -> None:
    kit.sweep(TODAY)
    kit.execute(
        "INSERT INTO customer VALUES (7, 'ADA@example.org', NULL, '2026-05-30'),"
        " (2, 'bob@example.org', '2021-02-28', '2026-05-30')"
    )
    outlook = kit.sweep(TODAY).summary["outlook"]
    assert outlook["returned"] == {"customer": {"restored": 1, "same_identifier": 1, "same_key": 0}}


def test_nights_without_work_are_counted_up_to_tonight_and_end_with_work(kit: Kit) -> None:
    kit.execute("DELETE FROM note; UPDATE customer SET left_on = '2024-03-01' WHERE id = 1")
    kit.execute("UPDATE customer SET left_on = NULL WHERE id > 1")
    counts = [kit.sweep(date(2026, 1, day)).summary["outlook"]["zero_nights"] for day in (1, 2, 3)]
    assert counts == [1, 2, 3]
    assert kit.sweep(TODAY).summary["outlook"]["zero_nights"] == 0


def test_overdue_and_not_kept_clauses_stand_in_the_summary_and_on_the_ledger(kit: Kit) -> None:
    kit.execute("INSERT INTO customer VALUES (8, 'h@example.org', '1970-01-01', NULL)")
    under = kit.under(POLICY + "    cap: {subjects: 1}\n")
    under.sweep(date(2026, 4, 1))
    outlook = under.sweep(TODAY).summary["outlook"]
    assert outlook["overdue_days"] == {"gone": (TODAY - date(2022, 2, 1)).days}
    assert list(outlook["not_kept"]) == ["retention"]
    assert any("implausible" in each for each in outlook["not_kept"]["retention"])
    rows = kit.execute(
        "SELECT payload -> 'outlook' FROM lethe.ledger WHERE kind = 'sweep_closed' ORDER BY id"
    )
    assert rows[-1][0] == outlook


def test_a_part_that_cannot_be_found_out_says_so_and_stops_nothing(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.execute("REVOKE SELECT ON lethe.decision FROM lethe_reader")
    kit.execute("ALTER TABLE lethe.decision RENAME COLUMN review_on TO review")
    run = kit.sweep(TODAY)
    assert run.state == "done"
    assert set(run.summary["outlook"]["not_kept"]) == {"failed"}
