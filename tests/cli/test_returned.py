"""`lethe sweep returned` and `lethe sweep seen`: what people type and what they see."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import yaml
from lethe.cli.app import app
from lethe.cli.desk import split_common
from lethe.errors import GuardStop, UsageError

from tests.guards.test_findings import AGAIN, BACK, NAMED
from tests.kit import Kit, MakeKit
from tests.retention.test_replay import DDL
from tests.small_policy import small_text

TODAY = date(2026, 6, 1)


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    kit = make_kit(DDL, NAMED)
    kit.sweep(TODAY)
    kit.execute(BACK)
    kit.execute(AGAIN)
    kit.sweep(date(2026, 6, 2))
    return kit


@pytest.fixture
def lethe(kit: Kit, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command and give its JSON answer."""
    policy = kit.home / "policy.yaml"
    policy.write_text(small_text(NAMED))
    assert yaml.safe_load(policy.read_text())

    def run(*arguments: str) -> Any:
        common = ("--policy", str(policy), "--dsn", kit.dsn, "--json")
        desk, rest = split_common(["sweep", *arguments, *common])
        capsys.readouterr()
        app(rest, standalone_mode=False, obj=desk)
        return json.loads(capsys.readouterr().out)

    return run


def test_who_came_back_is_listed_by_token_and_marked_one_by_one_or_all(lethe: Any) -> None:
    listed = lethe("returned")["findings"]
    assert sorted(each["sort"] for each in listed) == ["same_identifier", "same_key"]
    first = listed[0]
    done = lethe("seen", first["token"][:10], "--because", "signed up", "--by", "dpo")
    assert (done["seen"], done["by"]) == ([first], "dpo")
    assert lethe("returned")["findings"] == listed[1:]
    assert len(lethe("seen", "--all", "--because", "asked", "--by", "dpo")["seen"]) == 1
    assert lethe("returned")["findings"] == []


def test_what_names_no_finding_or_no_approver_is_refused(lethe: Any) -> None:
    token = lethe("returned")["findings"][0]["token"]
    for wrong in ((), (token, "--all"), (token[:7],), ("f" * 64,)):
        with pytest.raises(UsageError):
            lethe("seen", *wrong, "--because", "x", "--by", "dpo")
    with pytest.raises(GuardStop, match="may not decide"):
        lethe("seen", token, "--because", "x", "--by", "otto")
    assert len(lethe("returned")["findings"]) == 2
