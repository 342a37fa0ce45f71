"""By when a night should be done, asked while Airflow makes its run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lethe.tasks.alarms import due_hour, late_alarms

from tests.small_policy import small_policy

POLICY = """
guards: {done_by: "04:45"}
subjects: {person: {table: public.person, key: id}}
clusters: {people: {subject: person}}
tables: {public.person: {cluster: people, columns: {id: key}}}
"""
STARTED = datetime(2026, 6, 1, 1, 30, tzinfo=UTC)  # 03:30 in Luxembourg


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "policy.yaml"
    loaded = small_policy(POLICY)
    file.write_text(json.dumps(loaded.policy.model_dump(mode="json", by_alias=True)))
    monkeypatch.setenv("LETHE_POLICY", str(file))
    return file


def test_a_night_has_one_alarm_at_the_hour_of_the_policy(policy: Path) -> None:
    due = due_hour(STARTED)
    assert due is not None
    assert due.astimezone(UTC) == datetime(2026, 6, 1, 2, 45, tzinfo=UTC)
    assert due_hour(STARTED + timedelta(hours=2)) is None, "begun after the hour: never late"
    assert len(late_alarms()) == 1


def test_a_policy_that_cannot_be_read_stops_no_run_and_leaves_an_alarm(policy: Path) -> None:
    policy.write_text("nonsense: [")
    assert due_hour(STARTED) == STARTED + timedelta(hours=3)
    policy.unlink()
    assert due_hour(STARTED) == STARTED + timedelta(hours=3)
