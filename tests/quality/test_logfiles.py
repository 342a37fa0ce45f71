"""Pseudonymised logs that are files are looked at too, each once."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from lethe.policy.load import load_policy
from lethe.quality import logfiles
from lethe.quality.logfiles import judge_log_files

from tests.quality.conftest import POLICY, Demo

CLEAN = {
    "ip": ["2001:db8::1", "fd12:3456::9"],
    "agent": ["Chrome/120.0.0.0", None],
    "url": ["/x?lang=fr", "/v/1.2.3.4.5"],
    "status": [200, 404],
}


def write(home: Path, name: str, **columns: list[object]) -> Path:
    path = home / "logs" / "pseudonymised" / "day=2026-03-01" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({**CLEAN, **columns}).write_parquet(path)
    return path


def test_a_raw_address_in_any_column_of_a_file_is_found_and_a_clean_file_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    policy = load_policy(str(POLICY)).policy
    assert not any(judge_log_files(policy).values())
    write(tmp_path, "a.parquet")
    write(tmp_path, "b.parquet", url=["http://10.1.2.3/x", ""])
    write(tmp_path, "c.parquet", ip=["2001:db8::1", "192.0.2.77"])
    (tmp_path / "logs/pseudonymised/day=2026-03-01/d.parquet").write_bytes(b"PAR1 broken")
    assert judge_log_files(policy)["logs/pseudonymised"] == (True, False, False, False)
    read: list[Path] = []
    monkeypatch.setattr(logfiles, "_is_clean", lambda path, _: bool(read.append(path)) or True)
    write(tmp_path, "e.parquet")
    assert judge_log_files(policy)["logs/pseudonymised"] == (True, False, False, False, True)
    assert [path.name for path in read] == ["e.parquet"]


def test_the_gate_fails_with_the_number_of_files(demo: Demo, tmp_path: Path):
    write(tmp_path / "home", "a.parquet")
    write(tmp_path / "home", "b.parquet", agent=["from 203.0.113.9", None])
    found = demo.outcome("address.logs/pseudonymised")
    assert (found.state, found.concerned, found.failing) == ("failed", 2, 1)
