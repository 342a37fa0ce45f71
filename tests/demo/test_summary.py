"""What a person reads after the night: every figure of the report, and nothing else."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.platform.display import Display
from demo.platform.home import Home
from demo.platform.night import Run, Task
from demo.platform.summary import new_reports, show_summary


def _rule(name: str, **figures: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "rule": name,
        "clause": "s9",
        "due": 0,
        "erased": 0,
        "kept": {},
        "refused": {},
        "quarantined": {},
        "undecided": 0,
        "over_limit": None,
        "tables": {},
    }
    return nothing | figures


def _shown(rules: list[dict[str, Any]], tmp_path: Path, state: str = "success") -> str:
    report = tmp_path / "sweep-1.json"
    document = {"state": "done", "as_of": "2026-11-23", "policy": "p", "version": "1"}
    report.write_text(json.dumps(document | {"seal_no": 7, "rules": rules}))
    words = io.StringIO()
    run = Run("retention_sweep", "manual__1", state, 12.0)
    show_summary(Console(file=words, width=180), Home(tmp_path), [run], 60.0, [report])
    return words.getvalue()


def test_every_rule_that_had_something_to_do_says_what_and_why(tmp_path: Path) -> None:
    busy = _rule(
        "account-inactive",
        due=1041,
        erased=1000,
        kept={"held": 1, "not archived": 34},
        refused={"implausible date": 3},
        quarantined={"SQLSTATE 23503": 2},
        tables={"crm.account": {"deleted": 900, "changed": 100}},
    )
    words = _shown([busy, _rule("cookie-life")], tmp_path)
    for text in ("1,041", "1,000", "34 not archived", "1 held", "3 implausible date", "23503"):
        assert text in words
    assert "cookie-life" not in words
    assert "1 more rules found nothing due" in words
    assert "900 rows deleted and 100 blanked in 1 tables; evidence sealed as number 7" in words


def test_what_waits_for_approval_says_how_to_decide(tmp_path: Path) -> None:
    waiting = _rule(
        "account-inactive", due=900, undecided=900, over_limit="900 over the cap of 500"
    )
    words = _shown([waiting], tmp_path)
    assert "900 wait for approval" in words
    assert "bin/lethe sweep run --approve DIGEST" in words


def test_a_failed_night_says_so(tmp_path: Path) -> None:
    assert "The night failed" in _shown([], tmp_path, state="failed")
    assert "The night is done" in _shown([], tmp_path)


def test_only_the_reports_of_this_night_are_shown(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.reports.mkdir()
    old = home.reports / "sweep-old.json"
    old.touch()
    since = time.time() + 1
    new = home.reports / "sweep-new.json"
    new.touch()
    os.utime(new, (since + 1, since + 1))
    assert new_reports(home, since) == [new]


def test_each_change_of_a_task_is_told_once_and_as_a_line_where_nobody_watches() -> None:
    words = io.StringIO()
    display = Display(Console(file=words, width=80))
    before = Task("erase [account-inactive]", 0, "running", 1)
    after = Task("erase [account-inactive]", 0, "success", 1)
    for task in (before, before, after, after):
        display.watch(Run("retention_sweep", "manual__1", "running", 1.0, (task,)))
    assert words.getvalue().count("erase [account-inactive] success") == 1
    assert words.getvalue().count("manual__1") == 1
