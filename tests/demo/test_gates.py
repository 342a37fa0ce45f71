"""The lock is compared with what is wanted, without a network."""

from __future__ import annotations

from pathlib import Path

from demo.platform.gates import unlocked_requirements

PROJECT = Path(__file__).resolve().parents[2]


def test_the_lock_of_this_project_is_in_step() -> None:
    wanted = (PROJECT / "requirements.in").read_text(encoding="utf-8")
    locked = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
    assert unlocked_requirements(wanted, locked) == []


def test_what_is_missing_from_the_lock_or_locked_at_another_version_is_named() -> None:
    wanted = "# comment\nRich\npytest~=9.0\npandas~=3.1  # why\nnumpy>=2\n"
    locked = (
        "rich==15.0\npytest==8.4\n    # via -r requirements.in\n"
        "numpy==1.9 ; python_version < '3.12'\nnumpy==2.4 ; python_version >= '3.12'\n"
    )
    faults = unlocked_requirements(wanted, locked)
    assert faults == [
        "pytest is locked at 8.4, but ~=9.0 is wanted",
        "pandas is not in the lock",
        "numpy is locked at 1.9, but >=2 is wanted",
    ]


def test_no_package_index_is_named_in_the_lock() -> None:
    locked = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in locked
    assert "index" not in locked.replace("--no-emit-index-url", "")
