"""Tasks of the sweep where a night did not become what it should."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException
from lethe.tasks import sweep


@pytest.mark.parametrize("dry", [True, False])
def test_a_night_without_a_plan_is_red_and_a_dry_run_is_not(
    monkeypatch: pytest.MonkeyPatch, dry: bool
) -> None:
    monkeypatch.setattr(sweep, "is_dry", lambda: dry)
    if dry:
        assert sweep.verify_sweep.function(None) is None
    else:
        with pytest.raises(AirflowFailException, match="plan_sweep says why"):
            sweep.verify_sweep.function(None)
