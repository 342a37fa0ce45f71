"""A file goes in, and what comes out is complete, durable and there once, whatever happens."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from lethe.errors import ActError, UsageError
from lethe.pseudonymisation import engine
from lethe.pseudonymisation.engine import pseudonymise_file, unchanged
from lethe.pseudonymisation.leakscan import values_found
from lethe.pseudonymisation.quarantine import read_quarantine
from lethe.pseudonymisation.runs import RunReport

from tests.pseudonymisation.kit import (
    QUARANTINE_KEY,
    combined_line,
    output_of,
    plan_for,
)

PLAN = plan_for("combined")


def write_log(path: Path, lines: int = 3000, *, bad: int = 3) -> Path:
    choose = random.Random(7)  # noqa: S311
    rows = [
        combined_line(ip=f"192.0.{choose.randrange(256)}.{choose.randrange(256)}", size=number)
        for number in range(lines)
    ]
    for number in range(bad):
        rows[(number + 1) * 100] = f"rubbish {number} of ann@example.com\n"
    path.write_text("".join(rows))
    return path


def assert_complete(report: RunReport, output: Path, lines: int, bad: int) -> None:
    rows = output_of(report, output)
    assert (report.read, report.written) == (lines, lines - bad)
    assert report.quarantined == ({"format-mismatch": bad} if bad else {})
    assert report.read_octets == report.written_octets + sum(report.quarantined_octets.values())
    assert rows["line"].n_unique() == len(rows) == lines - bad
    everything = [p for p in output.rglob("*") if p.is_file()]
    assert len(everything) == len(report.files) + 2, everything


@pytest.mark.parametrize("form", ["plain", "gzip", "members", "zstd", "crlf", "cr", "unended"])
def test_a_file_is_read_in_every_form_in_which_logs_lie_about(tmp_path: Path, form: str) -> None:
    path = write_log(tmp_path / "access.log")
    raw = path.read_bytes()
    if form == "gzip":
        path.write_bytes(gzip.compress(raw))
    elif form == "members":
        path.write_bytes(gzip.compress(raw[:50_001]) + gzip.compress(raw[50_001:]) + bytes(512))
    elif form == "zstd":
        path.write_bytes(pa.compress(raw, codec="zstd", asbytes=True))
    elif form == "crlf":
        path.write_bytes(raw.replace(b"\n", b"\r\n"))
    elif form == "cr":
        path.write_bytes(raw.replace(b"\n", b"\r"))
    elif form == "unended":
        path.write_bytes(raw[:-1])
    report = pseudonymise_file(path, PLAN, tmp_path / "out")
    assert_complete(report, tmp_path / "out", 3000, 3)


def test_two_processes_make_the_same_as_none(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(engine, "STRETCH_OCTETS", 64 << 10)
    path = write_log(tmp_path / "access.log", 5000)
    alone = pseudonymise_file(path, PLAN, tmp_path / "a", workers=0)
    helped = pseudonymise_file(path, PLAN, tmp_path / "b", workers=2)
    assert_complete(alone, tmp_path / "a", 5000, 3)
    assert_complete(helped, tmp_path / "b", 5000, 3)
    assert output_of(alone, tmp_path / "a").equals(output_of(helped, tmp_path / "b"))


def test_lines_that_were_set_aside_are_sealed_and_can_be_read_again(tmp_path: Path) -> None:
    path = write_log(tmp_path / "access.log")
    report = pseudonymise_file(path, PLAN, tmp_path / "out")
    (sealed,) = [tmp_path / "out" / f.name for f in report.files if f.name.startswith("_quar")]
    assert b"rubbish" not in sealed.read_bytes()
    assert sealed.stat().st_mode & 0o077 == 0
    lines = list(read_quarantine(sealed, QUARANTINE_KEY, report.source))
    raw = path.read_bytes()
    assert [line.line for line in lines] == [101, 201, 301]
    for line in lines:
        assert raw[line.offset : line.offset + len(line.raw)] == line.raw


def test_a_file_that_was_done_is_known_again_under_any_name(tmp_path: Path) -> None:
    path = write_log(tmp_path / "access.log")
    first = pseudonymise_file(path, PLAN, tmp_path / "out")
    again = pseudonymise_file(path.rename(tmp_path / "access.log.1"), PLAN, tmp_path / "out")
    assert again.repeated
    assert (again.read, again.files) == (first.read, first.files)
    assert_complete(again, tmp_path / "out", 3000, 3)


STEPS = ["started", "read", "worked", "listed", "moved", "synced", "committed"]


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", STEPS)
def test_after_a_crash_at_any_step_the_next_run_neither_loses_nor_doubles_a_line(
    tmp_path: Path, step: str
) -> None:
    path = write_log(tmp_path / "access.log")

    def crash(reached: str) -> None:
        if reached == step:
            raise Crash

    with pytest.raises(Crash):
        pseudonymise_file(path, PLAN, tmp_path / "out", checkpoint=crash)
    report = pseudonymise_file(path, PLAN, tmp_path / "out")
    assert report.repeated == (step == "committed")
    assert_complete(report, tmp_path / "out", 3000, 3)


def _children(pid: int | str) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [0, 1])
def test_where_a_worker_is_killed_the_run_fails_the_other_is_ended_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(engine, "STRETCH_OCTETS", 1 << 19)
    path = write_log(tmp_path / "access.log", 12_000)
    before = set(_children("self"))
    workers: list[int] = []

    def kill_one(_: str) -> None:
        deadline = time.monotonic() + 60
        while not workers and time.monotonic() < deadline:
            (first,) = set(_children("self")) - before or (0,)
            if first and (second := _children(first)):
                workers.extend((first, *second))
                os.kill(workers[number], signal.SIGKILL)

    with pytest.raises(ActError, match="a worker process ended before its work was done"):
        pseudonymise_file(path, PLAN, tmp_path / "out", checkpoint=lambda step: (
            kill_one(step) if step == "read" else None))  # fmt: skip
    assert len(workers) == 2
    deadline = time.monotonic() + 60
    # It has let go of its pipes; on a busy machine its end comes a moment later.
    while any(map(_is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(_is_alive, workers))
    assert not list((tmp_path / "out").rglob("*.parquet"))
    assert_complete(pseudonymise_file(path, PLAN, tmp_path / "out"), tmp_path / "out", 12_000, 3)


@pytest.mark.parametrize("seed", range(3))
def test_after_a_kill_at_any_moment_the_next_run_neither_loses_nor_doubles_a_line(
    tmp_path: Path, seed: int
) -> None:
    path = write_log(tmp_path / "access.log", 20_000)
    project = Path(__file__).parents[2]
    script = (
        "import sys; from pathlib import Path; from tests.pseudonymisation.kit import plan_for;"
        "from lethe.pseudonymisation import engine; engine.STRETCH_OCTETS = 200_000;"
        "engine.pseudonymise_file(Path(sys.argv[1]), plan_for('combined'), Path(sys.argv[2]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": f"{project}:{project / 'plugins'}"},
        start_new_session=True,
    )
    work = tmp_path / "out" / "_work"
    while process.poll() is None and not work.exists():
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0, 3))  # noqa: S311
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    report = pseudonymise_file(path, PLAN, tmp_path / "out")
    assert_complete(report, tmp_path / "out", 20_000, 3)


def test_a_file_that_grows_while_it_is_read_is_noticed_and_nothing_is_committed(
    tmp_path: Path,
) -> None:
    path = write_log(tmp_path / "access.log")

    def grow(reached: str) -> None:
        if reached == "worked":
            with path.open("a") as file:
                file.write(combined_line())

    with pytest.raises(ActError, match="changed while it was read"):
        pseudonymise_file(path, PLAN, tmp_path / "out", checkpoint=grow)
    assert not (tmp_path / "out" / "_runs").exists()
    report = pseudonymise_file(path, PLAN, tmp_path / "out")
    assert_complete(report, tmp_path / "out", 3001, 3)


def test_a_file_that_changes_without_growing_is_noticed_by_its_digest(tmp_path: Path) -> None:
    path = write_log(tmp_path / "access.log")

    def change(reached: str) -> None:
        if reached == "started":
            before = path.stat()
            with path.open("r+") as file:
                file.write("9")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(ActError, match="changed while it was read"):
        pseudonymise_file(path, PLAN, tmp_path / "out", checkpoint=change)


def test_a_file_that_is_rotated_while_it_is_read_is_done_and_its_successor_is_left_alone(
    tmp_path: Path,
) -> None:
    path = write_log(tmp_path / "access.log")

    def rotate(reached: str) -> None:
        if reached == "worked":
            path.rename(tmp_path / "access.log.1")
            path.write_text(combined_line())

    report = pseudonymise_file(path, PLAN, tmp_path / "out", checkpoint=rotate)
    assert report.moved
    assert_complete(report, tmp_path / "out", 3000, 3)
    assert not unchanged(path, report.raw)
    assert unchanged(tmp_path / "access.log.1", report.raw)


def test_a_line_of_megabytes_is_read_and_one_that_is_longer_is_set_aside_whole(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(engine, "STRETCH_OCTETS", 2 << 20)
    path = tmp_path / "access.log"
    long = combined_line(url="/" + "a" * (1 << 20))
    longer = combined_line(url="/" + "b" * (5 << 20))
    path.write_text(combined_line() + long + longer + combined_line())
    report = pseudonymise_file(path, PLAN, tmp_path / "out", workers=0)
    assert (report.read, report.written, report.quarantined) == (4, 3, {"too-long": 1})
    rows = output_of(report, tmp_path / "out")
    assert rows["line"].to_list() == [1, 2, 4]
    assert rows["path"].cast(str).str.len_bytes().to_list() == [1, (1 << 20) + 1, 1]
    (sealed,) = [tmp_path / "out" / f.name for f in report.files if f.name.startswith("_quar")]
    kept = b"".join(q.raw for q in read_quarantine(sealed, QUARANTINE_KEY, report.source))
    assert kept.decode() == longer
    assert report.quarantined_octets == {"too-long": len(longer)}


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (gzip.compress(combined_line().encode() * 5000)[:-9], ActError, "truncated gzip"),
        (gzip.compress(os.urandom(90_000))[:50_000] + bytes(9000), ActError, "gzip"),
        (
            pa.compress(os.urandom(90_000), codec="zstd", asbytes=True)[:50_000],
            ActError,
            "zstd",
        ),
        (b"BZh91AY", UsageError, "bzip2"),
        ("line\n".encode("utf-16"), UsageError, "UTF-16"),
    ],
)
def test_damaged_or_foreign_files_are_refused_and_nothing_is_committed(
    tmp_path: Path, content: bytes, error: type[Exception], words: str
) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(content)
    with pytest.raises(error, match=words):
        pseudonymise_file(path, PLAN, tmp_path / "out")
    assert path.read_bytes() == content
    assert not list((tmp_path / "out").rglob("*.json"))


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.log cannot be read: No such file"):
        pseudonymise_file(tmp_path / "gone.log", PLAN, tmp_path / "out")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_is_a_clear_error_and_the_raw_file_stays(
    tmp_path: Path, monkeypatch, workers: int
) -> None:
    monkeypatch.setattr(engine, "STRETCH_OCTETS", 256 << 10)
    path = write_log(tmp_path / "access.log", 5000)
    raw = path.read_bytes()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        with pytest.raises(ActError, match="File too large"):
            pseudonymise_file(path, PLAN, tmp_path / "out", workers=workers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == raw
    report = pseudonymise_file(path, PLAN, tmp_path / "out")
    assert_complete(report, tmp_path / "out", 5000, 3)


def test_a_plan_without_its_keys_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = write_log(tmp_path / "access.log")
    with pytest.raises(UsageError, match="no secret for 2026-11"):
        pseudonymise_file(path, plan_for("combined", secrets={}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("apache_combined_elastic.log", "combined"),
        ("lnav_caddy_json.log", "json"),
        ("lnav_haproxy.log", "haproxy"),
        ("lnav_w3c_iis_big.log", "w3c"),
    ],
)
def test_of_a_real_log_nothing_personal_is_found_in_the_output(
    shared_data: Path, tmp_path: Path, file: str, name: str
) -> None:
    raw = (shared_data / "logs" / file).read_text(errors="replace")
    report = pseudonymise_file(
        shared_data / "logs" / file, plan_for(name, read_on=None), tmp_path / "out"
    )
    assert report.read == raw.count("\n")
    assert report.read == report.written + sum(report.quarantined.values())
    assert sum(report.quarantined.values()) <= report.read * 0.01
    # Patterns of the test's own; a version number in a path is none.
    addresses = set(re.findall(r"(?<![\w./-])(?:\d{1,3}\.){3}\d{1,3}(?![\w.-]|/\d)", raw))
    addresses |= {line.split(" ")[0] for line in raw.splitlines() if name == "combined"}
    emails = set(re.findall(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", raw))
    files = [tmp_path / "out" / part.name for part in report.files if part.rows]
    assert addresses
    assert values_found(files, sorted(addresses | {e for e in emails if len(e) > 5})) == {}


def test_the_report_of_a_run_is_plain_data_without_a_value_of_a_line(tmp_path: Path) -> None:
    path = write_log(tmp_path / "access.log")
    report = pseudonymise_file(path, PLAN, tmp_path / "out")
    stored = (tmp_path / "out" / "_runs" / f"{report.source}.json").read_text()
    assert json.loads(stored)["read"] == 3000
    assert "192.0." not in stored
    assert "ann@" not in stored


@pytest.mark.parametrize("workers", [0, 2])
def test_a_key_is_asked_for_only_when_a_line_of_its_month_turns_up(
    tmp_path: Path, monkeypatch, workers: int
) -> None:
    monkeypatch.setattr(engine, "STRETCH_OCTETS", 64 << 10)
    path = tmp_path / "access.log"
    months = ["22/Nov/2026", "17/May/2016", "17/Jun/2016"]
    path.write_text(
        "".join(combined_line(time=f"{month}:10:00:00 +0000") * 2000 for month in months)
    )
    asked: list[str] = []

    def missing(period: str) -> bytes | str:
        asked.append(period)
        return b"m" * 32 if period == "2016-05" else "key-destroyed"

    report = pseudonymise_file(path, PLAN, tmp_path / "out", workers=workers, missing_key=missing)
    assert sorted(asked) == ["2016-05", "2016-06"]
    assert (report.written, report.quarantined) == (4000, {"key-destroyed": 2000})


def test_an_output_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    path = write_log(tmp_path / "access.log", 10, bad=0)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UsageError, match="output folder taken cannot be made"):
        pseudonymise_file(path, PLAN, tmp_path / "taken")
