"""Throughput of the log engine beside what teams write today, in one run.

Parts: throughput (all contenders in turn, medians of three), memory (one file and ten times it),
table (the raw table of a warehouse beside `INSERT … SELECT`).
The limit is `gzip -dc FILE | wc -l`: nothing can read the file faster with the usual tools.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.log_contenders import CONTENDERS
from benchmarks.log_lines import write_log
from benchmarks.log_table import measure_table
from benchmarks.options import Options, machine
from benchmarks.report import Report, at_least, at_most

_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
LINES = 1_000_000
ROUNDS = 3
PROJECT = Path(__file__).resolve().parents[1]


def measure(options: Options) -> Report:
    """Measure throughput against the contenders and the limit, and memory against size."""
    lines = options.size or LINES
    report = Report("logs", {"lines": lines, "rounds": ROUNDS, **machine()})
    with tempfile.TemporaryDirectory(prefix="lethe-bench-logs-") as folder:
        room = Path(folder)
        options.tell(f"Inventing {lines:,} lines")
        log = write_log(room / "access.log.gz", lines)
        if options.wants("throughput"):
            _throughput(options, report, room, log, lines)
        if options.wants("memory"):
            _memory(options, report, room, log, lines)
    if options.wants("table"):
        measure_table(options, report, lines)
    return report


def _throughput(options: Options, report: Report, room: Path, log: Path, lines: int) -> None:
    taken: dict[str, list[float]] = {"gzip -dc | wc -l": []}
    cpu: dict[str, float] = {}
    for number in range(ROUNDS):
        for name in CONTENDERS:
            options.tell(f"Round {number + 1}: {name}")
            taken["gzip -dc | wc -l"].append(_limit(log))
            told = _run(name, room, log)
            taken.setdefault(name, []).append(told["seconds"])
            cpu[name] = told["cpu"]
            if told["rows"] < lines * 0.998:
                raise AssertionError(f"{name} wrote {told['rows']} of {lines} lines")
    rate = {name: lines / statistics.median(seconds) for name, seconds in taken.items()}
    ours = rate["lethe_engine"]
    report.tables["Throughput"] = [
        {
            "contender": name,
            "lines a second": round(each),
            "Lethe is": round(ours / each, 2),
            "seconds": " ".join(f"{s:.2f}" for s in sorted(taken[name])),
            "CPU seconds": round(cpu.get(name, 0.0), 1),
        }
        for name, each in rate.items()
    ]
    report.figures += [
        at_least("of the limit gzip -dc | wc -l", ours / rate["gzip -dc | wc -l"], 0.25),
        at_least("times plain Python that finds the same", ours / rate["python_same_finds"], 20),
        at_least("times plain Python with a short pattern", ours / rate["python_lines"], 20),
        at_least("times pandas .str", ours / rate["pandas_strings"], 6),
        at_least("times DuckDB", ours / rate["duckdb_regex"], 2.5),
        at_least("times Polars with one regex", ours / rate["polars_regex"], 1.4),
        at_least("times DuckDB that puts tokens too", ours / rate["duckdb_tokens"], 2.5),
        at_least("times Polars that puts tokens too", ours / rate["polars_tokens"], 1.4),
        at_least("times DuckDB that finds the same", ours / rate["duckdb_same_finds"], 2.5),
        at_least("times Polars that finds the same", ours / rate["polars_same_finds"], 1.4),
        at_most("cost of prefix-preserving", ours / rate["lethe_prefix"], 1.1, "times"),
    ]


def _memory(options: Options, report: Report, room: Path, log: Path, lines: int) -> None:
    options.tell("Memory: the file once and ten times")
    once = _run("lethe_engine", room, log)
    ten = room / "ten.log.gz"
    with ten.open("wb") as file:
        for _ in range(10):
            file.write(log.read_bytes())
    tenfold = _run("lethe_engine", room, ten)
    ten.unlink()
    report.figures += [
        at_most("peak memory of three processes", tenfold["memory_mb"], 1000, "MB"),
        at_most("memory at ten times the lines", tenfold["memory_mb"] / once["memory_mb"], 1.1),
        at_most(
            "cost a line at ten times the lines",
            (tenfold["cpu"] / (10 * lines)) / (once["cpu"] / lines),
            1.1,
        ),
    ]


def _limit(log: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(f"gzip -dc '{log}' | wc -l", shell=True, check=True, stdout=subprocess.DEVNULL)  # noqa: S602
    return time.perf_counter() - begun


def _run(name: str, room: Path, log: Path) -> dict[str, float]:
    output = room / f"{name}.parquet"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.log_contenders", name, str(log), str(output)],
        cwd=PROJECT,
        # An installed package is compiled; a checkout that nobody ran yet must not pay for that.
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}", **_COMPILED},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.strip().splitlines()[-1]}")
    output.unlink(missing_ok=True)
    shutil.rmtree(output.with_suffix(""), ignore_errors=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told
