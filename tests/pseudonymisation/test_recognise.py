"""A file that comes again, in any form, is read from where its new lines begin."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from lethe.errors import UsageError
from lethe.pseudonymisation import engine
from lethe.pseudonymisation.engine import pseudonymise_file
from lethe.pseudonymisation.runs import RunReport

from tests.pseudonymisation.kit import combined_line, plan_for

PLAN = plan_for("combined")


def text_of(numbers: range) -> bytes:
    return "".join(combined_line(url=f"/{n}", ip=f"192.0.2.{n % 250}") for n in numbers).encode()


def run(path: Path, output: Path, plan=PLAN, **how) -> RunReport:
    return pseudonymise_file(path, plan, output, workers=how.pop("workers", 0), **how)


def frame(output: Path) -> pl.DataFrame:
    files = sorted(output.glob("day=*/*.parquet"))
    return pl.concat(pl.read_parquet(f, hive_partitioning=False) for f in files).sort("line")


def numbers(output: Path) -> list[int]:
    return [int(path[1:]) for path in frame(output)["path"]]


def packed(content: bytes, form: str) -> bytes:
    if form == "gzip":
        return gzip.compress(content[:999]) + gzip.compress(content[999:])
    return pa.compress(content, codec="zstd", asbytes=True) if form == "zstd" else content


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("form", ["plain", "gzip", "zstd", "crlf", "cr"])
def test_of_a_file_that_grew_only_the_new_lines_are_read_in_whatever_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, workers: int
) -> None:
    monkeypatch.setattr(engine, "STRETCH_OCTETS", 20_000)
    ends = {"crlf": b"\r\n", "cr": b"\r"}.get(form, b"\n")
    out, offset = tmp_path / "out", 0
    for night, count in enumerate((1, 7, 400, 401, 900)):
        content = text_of(range(count)).replace(b"\n", ends)
        path = tmp_path / ("a.log" if night % 2 else "b.log")
        path.write_bytes(packed(content, form if night else "plain"))
        os.utime(path, (1, 1))
        report = run(path, out, workers=workers)
        if night > 1:
            assert (report.read_octets, report.follows is None) == (len(content) - offset, False)
            assert numbers(out)[-count:] == list(range(count))
            assert frame(out)["line"].to_list()[-count:] == list(range(1, count + 1))
        offset = len(content)
        assert run(path, out).repeated
    whole = tmp_path / "all.zst"
    whole.write_bytes(packed(text_of(range(900)).replace(b"\n", ends), "zstd"))
    assert run(whole, out).repeated


def test_a_line_that_was_not_yet_whole_is_read_again_and_written_once(tmp_path: Path) -> None:
    path, out, content = tmp_path / "a.log", tmp_path / "out", text_of(range(6))
    path.write_bytes(content[:-30])
    first = run(path, out)
    assert (first.written, first.quarantined) == (5, {"truncated": 1})
    with path.open("ab") as file:
        file.write(content[-30:] + text_of(range(6, 9)))
    second = run(path, out)
    assert (second.read, second.written) == (4, 4)
    assert (numbers(out), frame(out)["line"].to_list()) == ([*range(9)], [*range(1, 10)])


def test_a_line_that_was_written_without_its_end_is_not_written_twice(tmp_path: Path) -> None:
    path, out, content = tmp_path / "a.log", tmp_path / "out", text_of(range(6))
    path.write_bytes(content[:-1])
    assert run(path, out).written == 6
    with path.open("ab") as file:
        file.write(content[-1:] + text_of(range(6, 9)))
    second = run(path, out)
    assert (second.read, second.written, second.quarantined) == (4, 3, {"empty": 1})
    assert numbers(out) == [*range(9)]


@pytest.mark.parametrize("cut", [0, 1, 40_000])
def test_a_line_too_long_for_a_stretch_may_stand_on_either_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    monkeypatch.setattr(engine, "STRETCH_OCTETS", 10_000)
    path, out = tmp_path / "a.log", tmp_path / "out"
    long = combined_line(url="/" + "x" * 70_000).encode()
    front = text_of(range(3)) + long
    # Ended, not ended, and in the middle.
    path.write_bytes(front[: len(front) - cut])
    first = run(path, out)
    assert (first.written, first.quarantined) == (3, {"too-long": 1})
    path.write_bytes(front + text_of(range(3, 5)) + long)
    second = run(path, out)
    assert (second.written, second.quarantined) == (2, {"too-long": 2 if cut else 1})
    assert numbers(out) == [*range(5)]
    assert frame(out)["line"].to_list() == [1, 2, 3, 5, 6]


def test_the_fields_of_a_w3c_file_hold_for_what_was_added(tmp_path: Path) -> None:
    plan = plan_for("w3c")
    path, out = tmp_path / "a.log", tmp_path / "out"
    line = "2026-11-22 10:00:00 203.0.113.9 GET /{} 200\n"
    path.write_text(
        "#Fields: date time c-ip cs-method cs-uri-stem sc-status\n" + line.format(1) * 9
    )
    assert run(path, out, plan).written == 10
    with path.open("a") as file:
        file.write(line.format(2) * 3)
    again = run(path, out, plan)
    assert (again.read, again.written, again.quarantined) == (3, 3, {})


def test_two_short_files_that_begin_alike_are_two(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name, count in (("a.log", 1), ("b.log", 2)):
        (tmp_path / name).write_bytes(b'192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "GET /7 HTTP/1.1" 200 5 "-" "x"\n' * count)  # fmt: skip  # noqa: E501
        assert run(tmp_path / name, out).read == count


def test_a_copy_that_is_written_by_another_run_meanwhile_is_noticed(tmp_path: Path) -> None:
    path, copy, out = tmp_path / "a.log", tmp_path / "a.log.gz", tmp_path / "out"
    path.write_bytes(text_of(range(50)))
    copy.write_bytes(gzip.compress(text_of(range(60))))

    def other(step: str) -> None:
        if step == "worked" and not list((out / "_runs").glob("*.json")):
            run(path, out)

    report = run(copy, out, checkpoint=other)
    assert (report.read, numbers(out)) == (10, list(range(60)))


STEPS = ["started", "read", "worked", "listed", "moved", "synced", "committed"]


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_over_a_grown_file_neither_loses_nor_doubles_a_line(
    tmp_path: Path, step: str
) -> None:
    path, out = tmp_path / "a.log", tmp_path / "out"
    path.write_bytes(text_of(range(50)))
    run(path, out)
    path.write_bytes(text_of(range(80)))

    def crash(reached: str) -> None:
        if reached == step:
            raise Crash

    with pytest.raises(Crash):
        run(path, out, checkpoint=crash)
    # It grows once more before the next night.
    path.write_bytes(text_of(range(90)))
    assert run(path, out).read == (10 if step == "committed" else 40)
    assert numbers(out) == list(range(90))


def test_a_format_that_is_none_is_named_whatever_was_written_before(tmp_path: Path) -> None:
    path, out = tmp_path / "a.log", tmp_path / "out"
    path.write_bytes(text_of(range(3)))
    run(path, out)
    for name, words in (("nonsense", "no log format 'nonsense'"), ("columns", "for tables")):
        with pytest.raises(UsageError, match=words):
            run(path, out, plan_for(name))
