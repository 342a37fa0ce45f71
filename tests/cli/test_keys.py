"""`lethe keys list`, `rotate` and `destroy`: what people type and what they see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lethe.cli.app import app
from lethe.cli.desk import split_common
from lethe.errors import ConfigurationError, GuardStop, LetheError, UsageError

from tests.kit import Kit, MakeKit
from tests.pseudonymisation.kit import combined_line
from tests.pseudonymisation.test_nightly import POLICY, _as_file, write

DDL = "CREATE TABLE person (id bigint PRIMARY KEY)"


@pytest.fixture
def kit(make_kit: MakeKit) -> Kit:
    made = make_kit(DDL, POLICY)
    (made.home / "raw").mkdir()
    return made


@pytest.fixture
def lethe(kit: Kit, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command on a day and give its JSON answer."""
    policy = kit.home / "policy.yaml"
    policy.write_text(_as_file(POLICY))

    def run(as_of: str, *arguments: str) -> Any:
        common = ("--policy", str(policy), "--dsn", kit.dsn, "--as-of", as_of, "--json")
        desk, rest = split_common([*arguments, *common])
        capsys.readouterr()
        app(rest, standalone_mode=False, obj=desk)
        return json.loads(capsys.readouterr().out)

    return run


def test_the_key_of_a_month_is_made_once_and_listed_with_the_day_on_which_it_ends(
    lethe: Any,
) -> None:
    assert lethe("2026-11-23", "keys", "list")["keys"] == []
    first = lethe("2026-11-23", "keys", "rotate")
    assert (first["period"], first["destroy_after"]) == ("2026-11", "2027-11-30")
    assert lethe("2026-11-30", "keys", "rotate") == first
    assert lethe("2026-12-01", "keys", "rotate")["period"] == "2026-12"
    assert lethe("2027-02-01", "keys", "rotate")["period"] == "2027-02"
    listed = lethe("2027-02-01", "keys", "list")
    assert [key["period"] for key in listed["keys"]] == ["2026-11", "2026-12", "2027-02"]
    assert listed["months_without_lines"] == ["2027-01"]
    assert all("wrapped" not in key for key in listed["keys"])


def test_a_key_is_destroyed_after_its_window_and_once_and_its_late_lines_are_counted(
    kit: Kit, lethe: Any
) -> None:
    lethe("2026-11-23", "keys", "rotate")
    with pytest.raises(GuardStop, match="serves until 2027-11-30"):
        lethe("2027-11-30", "keys", "destroy", "2026-11")
    assert lethe("2027-11-30", "keys", "destroy")["destroyed"] == []
    (gone,) = lethe("2027-12-01", "keys", "destroy", "2026-11")["destroyed"]
    assert gone["destroyed_at"] is not None
    assert gone["final_at"] == "2028-02-29"
    with pytest.raises(UsageError, match="was destroyed on"):
        lethe("2027-12-02", "keys", "destroy", "2026-11")
    with pytest.raises(LetheError, match="was destroyed on"):
        lethe("2026-11-23", "keys", "rotate")
    path = write(kit, "late.log", combined_line(time="17/Nov/2026:10:00:00 +0000"))
    told = lethe("2027-12-02", "logs", "run")
    assert (told["read"], told["quarantined"]) == (1, {"key-destroyed": 1})
    assert not path.exists()


@pytest.mark.parametrize("month", ["Mai", "2026-13", "2026-1", ""])
def test_what_is_no_month_is_said(lethe: Any, month: str) -> None:
    with pytest.raises(UsageError, match="write YYYY-MM"):
        lethe("2026-11-23", "keys", "destroy", month)


@pytest.mark.parametrize(
    ("password", "fault"),
    [("b" * 43 + "=", "another key-encryption key"), ("kurz", "must have 32"), ("", "no password")],
)
def test_without_the_key_encryption_key_nothing_is_made_or_read_but_the_keys_are_listed(
    kit: Kit, lethe: Any, monkeypatch: pytest.MonkeyPatch, password: str, fault: str
) -> None:
    made = lethe("2026-11-23", "keys", "rotate")
    path = write(kit, "a.log", combined_line(time="17/Nov/2026:10:00:00 +0000"))
    connection = json.dumps({"conn_type": "generic", "password": password})
    monkeypatch.setenv("AIRFLOW_CONN_LETHE_KEYS", connection)
    for command in (("keys", "rotate"), ("keys", "destroy"), ("logs", "run")):
        with pytest.raises(ConfigurationError, match=fault):
            lethe("2026-12-23", *command)
    assert path.exists()
    assert lethe("2026-12-23", "keys", "list")["keys"] == [made]
