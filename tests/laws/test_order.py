"""The files of tests that begin first are there."""

from __future__ import annotations

from tests.conftest import LONGEST_FIRST, PROJECT


def test_every_file_that_is_to_begin_first_exists() -> None:
    assert [name for name in LONGEST_FIRST if not (PROJECT / "tests" / name).is_file()] == []
