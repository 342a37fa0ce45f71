"""`lethe sweep files`: what people type and what they see."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from lethe.cli.app import app
from lethe.cli.desk import split_common
from lethe.errors import ActError, UsageError

from tests.erasure.test_connectors import POLICY, TABLES
from tests.erasure.test_set_aside import APPROVERS, fulfil
from tests.kit import Kit, MakeKit
from tests.small_policy import small_text


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    kit = make_kit(TABLES, POLICY + APPROVERS)
    (kit.home / "proofs" / "a" / "1.pdf").mkdir(parents=True)
    kit.sweep()
    fulfil(kit)
    return kit


@pytest.fixture
def lethe(kit: Kit, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command and give its JSON answer."""
    policy = kit.home / "policy.yaml"
    policy.write_text(small_text(POLICY + APPROVERS))

    def run(*arguments: str) -> Any:
        common = ("--policy", str(policy), "--dsn", kit.dsn, "--json")
        desk, rest = split_common(["sweep", "files", *arguments, *common])
        capsys.readouterr()
        app(rest, standalone_mode=False, obj=desk)
        return json.loads(capsys.readouterr().out)

    return run


def test_files_are_listed_without_their_paths_tried_again_and_settled(lethe: Any, kit: Kit) -> None:
    files = lethe("list")["files"]
    assert sorted(each["error"] for each in files) == [
        "Outside: a path that leads out",
        "Outside: no plain file",
    ]
    assert "secret" not in str(files)
    first, second = (each["id"] for each in files)
    assert lethe("retry", first[:13], "--by", "dpo")["decision"] == "retried"
    assert [each["id"] for each in lethe("list")["files"]] == [second]
    fulfil(kit)
    done = lethe("settle", second, "--removed", "--because", "by hand", "--by", "dpo")
    assert (done["by"], [each["id"] for each in done["files"]]) == ("dpo", [second])
    lethe("settle", "--all", "--give-up", "--because", "no path", "--by", "dpo")
    assert lethe("list")["files"] == []


def test_the_paths_go_into_a_file_of_its_owner_only(lethe: Any, kit: Kit) -> None:
    where = kit.home / "paths.csv"
    lethe("list", "--output", str(where), "--by", "dpo")
    assert where.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(where.open(encoding="utf-8")))
    assert sorted(row["path"] for row in rows) == ["../secret.txt", "a/1.pdf"]
    with pytest.raises(ActError, match="cannot be written"):
        lethe("list", "--output", str(where), "--by", "dpo")


@pytest.mark.parametrize(
    "wrong",
    [
        ("settle", "--all", "--because", "x"),
        ("settle", "--all", "--because", "x", "--removed", "--give-up"),
        ("settle", "--because", "x", "--removed"),
        ("retry",),
        ("retry", "0"),
        ("retry", "00000000-0000"),
    ],
)
def test_what_names_no_file_or_no_decision_is_refused(lethe: Any, wrong: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        lethe(*wrong, "--by", "dpo")
