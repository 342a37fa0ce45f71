"""A run may break anywhere: run again, it ends as one that nothing disturbed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest
from lethe.errors import LetheError
from lethe.retention.night_guard import settle_night

from tests.erasure.breakdown import (
    DDL,
    POLICY,
    Copies,
    Fuse,
    Killed,
    fused,
    left_behind,
    remember_graph,
)
from tests.kit import TODAY, MakeKit

STRIDE = int(os.environ.get("LETHE_TEST_CRASH_STRIDE", "4"))
"""1: break at every statement; a larger one leaves some out."""


@pytest.fixture
def copies(postgres: str, make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copies]:
    kit = make_kit(DDL, POLICY)
    settle_night(kit.site, TODAY)
    remember_graph(monkeypatch, kit)
    made = Copies(postgres, kit, monkeypatch)
    yield made
    made.close()


@pytest.mark.parametrize("by_server", [False, True], ids=["process killed", "session ended"])
def test_a_run_that_breaks_at_any_statement_ends_as_if_undisturbed(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, by_server: bool
) -> None:
    whole = Fuse(None)
    with copies.copy() as kit:
        with fused(monkeypatch, whole):
            kit.sweep()
        expected = left_behind(kit)
    assert len(expected["ledger"]) == 6
    assert expected["closings"] == [(1,)]
    stride = STRIDE * 5 if by_server else STRIDE
    for limit in range(1, whole.count + 1, stride):
        with copies.copy() as kit:
            fuse = Fuse(limit, by_server=by_server)
            with fused(monkeypatch, fuse), contextlib.suppress(Killed, LetheError):
                kit.sweep()
            if left_behind(kit) != expected:
                kit.sweep()
            assert left_behind(kit) == expected, f"at {limit} of {whole.count}"
