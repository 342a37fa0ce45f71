"""A night of the archive may break anywhere, or run twice at once: the archive ends the same."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.errors import LetheError

from tests.archive.shop import DDL, POLICY
from tests.erasure.breakdown import Copies, Fuse, Killed, fused, remember_graph
from tests.kit import TODAY, Kit, MakeKit

STRIDE = int(os.environ.get("LETHE_TEST_CRASH_STRIDE", "17"))
"""1: break at every statement; a larger one leaves some out."""
END = date(2030, 7, 1)


@pytest.fixture
def copies(postgres: str, make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copies]:
    kit = make_kit(DDL, POLICY)
    remember_graph(monkeypatch, kit)
    made = Copies(postgres, kit, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def ready_to_end(
    postgres: str, make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Copies]:
    kit = make_kit(DDL, POLICY)
    remember_graph(monkeypatch, kit)
    run_archive(kit.site, TODAY, batch=2)
    kit.sweep()
    made = Copies(postgres, kit, monkeypatch)
    yield made
    made.close()


def left_behind(kit: Kit) -> dict[str, Any]:
    """What the archive holds, without numbers, times and keys."""
    assert verify_archive(kit.site).faults == []
    return {
        "records": kit.execute(
            "SELECT kind, subject_key, document_key, number, count(*) FROM lethe.archive_record"
            " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        ),
        "documents": kit.execute("SELECT key, ended_on FROM lethe.archived_document ORDER BY 1"),
        "destroyed": kit.execute("SELECT count(*) FROM lethe.archive_destroyed"),
        "leaves": kit.execute("SELECT max(tree_size) FROM lethe.archive_head"),
        "frozen": kit.execute("SELECT count(*) FROM lethe.archive_frozen"),
        "work": kit.execute("SELECT count(*) FROM lethe.plan_subject WHERE rule LIKE 'archive:%'"),
        "keys": kit.execute("SELECT purpose, count(*) FROM lethe.key GROUP BY 1 ORDER BY 1"),
    }


def break_everywhere(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, as_of: date, *, by_server: bool
) -> None:
    whole = Fuse(None)
    with copies.copy() as kit:
        with fused(monkeypatch, whole):
            run_archive(kit.site, as_of, batch=2)
        expected = left_behind(kit)
    for limit in range(1, whole.count + 1, STRIDE):
        with copies.copy() as kit:
            with (
                fused(monkeypatch, Fuse(limit, by_server=by_server)),
                contextlib.suppress(Killed, LetheError),
            ):
                run_archive(kit.site, as_of, batch=2)
            run_archive(kit.site, as_of, batch=2)
            assert left_behind(kit) == expected, f"broken at {limit} of {whole.count}"


def test_a_capture_that_breaks_at_any_statement_leaves_no_gap_and_nothing_twice(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_everywhere(copies, monkeypatch, TODAY, by_server=False)


def test_an_end_that_breaks_at_any_statement_is_whole_or_not_at_all(
    ready_to_end: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_everywhere(ready_to_end, monkeypatch, END, by_server=False)


def test_two_runs_at_once_finish_with_one_tree(copies: Copies) -> None:
    with copies.copy() as kit:
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(run_archive, kit.site, TODAY, batch=1) for _ in range(2)]
            assert [run.result().state for run in runs] == ["done", "done"]
        assert left_behind(kit)["leaves"] == [(7,)]


def test_two_ends_at_once_destroy_everything_once(ready_to_end: Copies) -> None:
    with ready_to_end.copy() as kit:
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(run_archive, kit.site, END) for _ in range(2)]
            assert [run.result().state for run in runs] == ["done", "done"]
        left = left_behind(kit)
        assert left["destroyed"] == [(6,)]


def test_a_capture_whose_session_the_server_ends_goes_on_where_it_was(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_everywhere(copies, monkeypatch, TODAY, by_server=True)


def test_an_end_whose_session_the_server_ends_is_whole_or_not_at_all(
    ready_to_end: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_everywhere(ready_to_end, monkeypatch, END, by_server=True)
