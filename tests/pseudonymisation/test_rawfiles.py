"""Which files are raw logs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lethe.policy.load import load_policy
from lethe.pseudonymisation.rawfiles import find_files

MENTORSIG = Path(__file__).parents[2] / "include" / "policy" / "mentorsig.yaml"


def test_the_published_policy_finds_the_raw_logs_of_its_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    raw = tmp_path / "logs" / "raw"
    raw.mkdir(parents=True)
    for name in ("access.log-20261122.gz", "auth.log-20261122", "proxy.log"):
        (raw / name).write_bytes(b"")
    room: Any = SimpleNamespace(logs=load_policy(MENTORSIG).policy.logs)
    assert {each.path.parent for each in find_files(room)} == {raw}
    assert len(find_files(room)) == 3
