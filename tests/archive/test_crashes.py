"""A night of the archive may break anywhere, or run twice at once: the archive ends the same.

A night says a few things to the warehouse for each batch, in a certain order; `STRIDE` 1 breaks it
at every one of them. Much is read by a process apart and sealed ahead of its transaction: that way
has its own turns.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from lethe.archive import apart, comparing
from lethe.archive.check import verify_archive
from lethe.archive.night import run_archive
from lethe.errors import ActError, LetheError

from tests.archive.shop import DDL, MORE, POLICY
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


@pytest.fixture
def many(postgres: str, make_kit: MakeKit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copies]:
    """So much that it is sealed ahead, with a correction and a refusal among it."""
    kit = make_kit(DDL, POLICY)
    remember_graph(monkeypatch, kit)
    run_archive(kit.site, TODAY)
    kit.execute(MORE)
    kit.execute("UPDATE invoice SET bill_to = 'Rob' WHERE id = 20")
    kit.execute("INSERT INTO invoice VALUES (50, 'N', NULL, 'issued', '2019-01-01')")
    monkeypatch.setattr(comparing, "_MUCH", 1)
    made = Copies(postgres, kit, monkeypatch)
    yield made
    made.close()


class Kill(Fuse):
    """The process is killed at the n-th, as `kill -9` does."""

    def tick(self, connection: Any) -> None:  # noqa: ARG002
        self.count += 1
        if self.count == self.limit:
            os.kill(os.getpid(), signal.SIGKILL)


def start_to_be_killed(monkeypatch: pytest.MonkeyPatch, kit: Kit, limit: int, as_of: date) -> int:
    """Run a night in a process that is killed at its n-th statement."""
    child = os.fork()
    if child:
        return child
    try:
        with fused(monkeypatch, Kill(limit)):
            run_archive(kit.site, as_of, batch=4)
    finally:
        os._exit(1)


def end_of(child: int) -> bool:
    """Wait for it; whether it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


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
    copies: Copies,
    monkeypatch: pytest.MonkeyPatch,
    as_of: date,
    *,
    by_server: bool,
    batch: int = 2,
) -> None:
    whole = Fuse(None)
    with copies.copy() as kit:
        with fused(monkeypatch, whole):
            run_archive(kit.site, as_of, batch=batch)
        expected = left_behind(kit)
    for limit in range(1, whole.count + 1, STRIDE):
        with copies.copy() as kit:
            with (
                fused(monkeypatch, Fuse(limit, by_server=by_server)),
                contextlib.suppress(Killed, LetheError),
            ):
                run_archive(kit.site, as_of, batch=batch)
            run_archive(kit.site, as_of, batch=batch)
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


@pytest.mark.parametrize("by_server", [False, True])
def test_a_night_that_seals_ahead_and_breaks_at_any_statement_ends_the_same(
    many: Copies, monkeypatch: pytest.MonkeyPatch, by_server: bool
) -> None:
    break_everywhere(many, monkeypatch, TODAY, by_server=by_server, batch=4)


@pytest.mark.parametrize("beside_another", [False, True])
def test_a_night_that_seals_ahead_and_is_killed_at_any_statement_ends_the_same(
    many: Copies, monkeypatch: pytest.MonkeyPatch, beside_another: bool
) -> None:
    whole = Fuse(None)
    with many.copy() as kit:
        with fused(monkeypatch, whole):
            run_archive(kit.site, TODAY, batch=4)
        expected = left_behind(kit)
    killed = 0
    for limit in range(1, whole.count + 1, STRIDE):
        with many.copy() as kit:
            child = start_to_be_killed(monkeypatch, kit, limit, TODAY)
            if beside_another:
                with contextlib.suppress(LetheError):  # the other's batch was in flight
                    run_archive(kit.site, TODAY, batch=3)
            killed += end_of(child)
            run_archive(kit.site, TODAY, batch=4)
            assert left_behind(kit) == expected, f"killed at {limit} of {whole.count}"
    assert killed >= whole.count // STRIDE // 2


def test_a_reader_that_is_killed_stops_the_night_and_the_next_goes_on(
    many: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it had said until then: nothing, a part of a row, all but the last."""
    with many.copy() as kit:
        run_archive(kit.site, TODAY, batch=4)
        expected = left_behind(kit)
    start = apart.start_apart
    for length in (0, 1, 700, 5_000):
        with many.copy() as kit, monkeypatch.context() as patched:

            def cut_off(*asked: Any, length: int = length) -> tuple[Any, int]:
                return cut(start(*asked), length)

            patched.setattr("lethe.archive.capture_rows.start_apart", cut_off)
            with pytest.raises(ActError, match="ended early"):
                run_archive(kit.site, TODAY, batch=4)
            patched.undo()
            run_archive(kit.site, TODAY, batch=4)
            assert left_behind(kit) == expected, length


def cut(started: tuple[Any, int], length: int) -> tuple[Any, int]:
    """Kill a process when it has answered so much; what came until then is there."""
    process, pipe = started
    data = b""
    while len(data) < length and (more := os.read(pipe, length - len(data))):
        data += more
    process.kill()
    process.wait()
    os.close(pipe)
    outlet, inlet = os.pipe()
    os.write(inlet, data)
    os.close(inlet)
    return process, outlet
