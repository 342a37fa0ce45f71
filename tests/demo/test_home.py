"""One home: private, owned, and under one command at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo.platform.errors import PlatformError
from demo.platform.home import Home, read_json, write_private


def test_a_second_command_on_the_same_home_is_told_to_wait(tmp_path: Path) -> None:
    home = Home(tmp_path / "var")
    with home.locked():
        with pytest.raises(PlatformError, match="wait until it has ended"), home.locked():
            pass
        with Home(tmp_path / "other").locked():
            pass
    with home.locked():
        pass


def test_what_is_private_is_private_from_its_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    before = os.umask(0)
    try:
        write_private(path, "{}")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_home_of_another_account_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PlatformError, match="LETHE_HOME"):
        Home(tmp_path).make()
    assert not (tmp_path / "secrets").exists()


def test_a_file_that_is_no_object_is_refused_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    assert read_json(tmp_path / "absent.json") == {}
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(PlatformError, match="must hold a JSON object"):
        read_json(tmp_path / "list.json")


def test_the_home_is_what_the_environment_says_else_var(tmp_path: Path) -> None:
    assert Home.from_environment({"LETHE_HOME": str(tmp_path)}).root == tmp_path.resolve()
    assert Home.from_environment({}).root.name == "var"
