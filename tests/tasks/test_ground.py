"""What tasks ask of their run: a run by hand is dry unless its form says otherwise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType as InTasks
from airflow.utils.types import DagRunType as InScheduler
from lethe.tasks import ground


@pytest.mark.parametrize("run_type", [InTasks.MANUAL, InScheduler.MANUAL, "manual"])
@pytest.mark.parametrize(("params", "dry"), [({}, True), ({"dry_run": False}, False)])
def test_a_run_by_hand_is_dry_unless_its_form_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, run_type: Any, params: dict[str, Any], dry: bool
) -> None:
    context = {"dag_run": SimpleNamespace(run_type=run_type), "params": params}
    monkeypatch.setattr(ground, "get_current_context", lambda: context)
    assert ground.is_dry() is dry


@pytest.mark.parametrize("run_type", [InTasks.SCHEDULED, InTasks.ASSET_TRIGGERED, "scheduled"])
def test_a_run_by_clock_or_asset_is_in_earnest(
    monkeypatch: pytest.MonkeyPatch, run_type: Any
) -> None:
    context = {"dag_run": SimpleNamespace(run_type=run_type), "params": {}}
    monkeypatch.setattr(ground, "get_current_context", lambda: context)
    assert ground.is_dry() is False
