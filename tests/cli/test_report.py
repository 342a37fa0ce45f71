"""`lethe report`: the files of a report from a shell, and nothing sent."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from lethe.cli.app import main

from tests.shop import POLICY, Shop


@pytest.fixture
def lethe(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Run a command on the shop; gives exit code and what was printed."""
    # Handlers of libraries keep the stream of the test before.
    monkeypatch.setattr(logging, "raiseExceptions", False)
    policy = tmp_path / "shop.yaml"
    policy.write_text(POLICY)

    def run(*arguments: str, dsn: str = shop.dsn) -> tuple[int, str, str]:
        code = main([*arguments, "--policy", str(policy), "--dsn", dsn, "--as-of", "2026-06-01"])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_report_is_written_whole_and_nothing_is_sent(
    shop: Shop, lethe: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    code, out, _ = lethe("report", "--period", "month", "--output", str(folder), "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["verdict"] == "silent"
    said = answer["headline"]["fr"]
    assert said.startswith("Aucune nuit n’a encore eu lieu. 2 points sont à regarder. 0 promesse")
    assert (answer["first"], answer["last"]) == ("2026-06-01", "2026-06-01")
    assert {file.name for file in folder.iterdir()} >= set(answer["files"]) >= {"summary.json"}
    assert shop.execute("SELECT count(*) FROM lethe.report_mail") == [(0,)]
    assert shop.execute("SELECT count(*) FROM lethe.summary") == [(1,)]


def test_a_person_reads_the_verdict_and_where_the_files_are(lethe: Any, tmp_path: Path) -> None:
    code, out, _ = lethe("report", "--output", str(tmp_path / "out"))
    assert code == 0
    assert out.startswith("No night has run yet. 2 points need a look. 0 of 2 promises shown kept;")
    assert str(tmp_path / "out" / "report.en.html") in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--period", "year", "--output", "x"], "year"),
        (["--period", "day"], "--output"),
        (["--period", "day", "--output", "/proc/none"], "/proc/none"),
    ],
)
def test_a_wrong_call_is_refused_without_a_trace(
    lethe: Any, arguments: list[str], says: str
) -> None:
    code, out, err = lethe("report", *arguments)
    assert code == 2
    assert says in out + err
    assert "Traceback" not in out + err


def test_a_warehouse_that_is_not_there_is_said_so(lethe: Any, tmp_path: Path) -> None:
    code, _, err = lethe("report", "--output", str(tmp_path), dsn="host=/nowhere dbname=none")
    assert code == 3
    assert "Traceback" not in err
