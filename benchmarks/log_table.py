"""The raw log table of a warehouse beside `INSERT … SELECT` of the same rows."""

from __future__ import annotations

import io
import random
import re
import statistics
import tempfile
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Final

import psycopg2
from lethe.pseudonymisation.key_life import log_room
from lethe.pseudonymisation.statements import Range
from lethe.pseudonymisation.tablerun import work_rows

from benchmarks.contenders import set_up_lethe
from benchmarks.log_lines import make_lines
from benchmarks.options import Options
from benchmarks.report import Report, at_least
from benchmarks.server import private_server

AS_OF: Final = date(2026, 11, 23)
ROUNDS: Final = 3
_POLICY: Final = Path(__file__).with_name("log_table.yaml")
_RAW: Final = """
CREATE SCHEMA web;
CREATE TABLE web.raw_line (
    line_id bigint PRIMARY KEY, seen_at timestamptz, ip inet, login text, method text, url text,
    status smallint, bytes integer, referrer text, agent text);
CREATE TABLE web.clean_line (
    "time" timestamptz, ip text, "user" text, method text, path text, query text, status smallint,
    bytes bigint, referrer text, agent_family text, agent_major text, os_family text, device text,
    bot boolean);
"""
_LINE: Final = re.compile(
    r'(\S+) - (\S+) \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d+) (\d+) "([^"]*)" "([^"]*)"\n'
)


def measure_table(options: Options, report: Report, lines: int) -> None:
    """Measure both in turn; the raw rows are gone behind ours, and still there behind the other."""
    ours, plain = [], []
    with private_server() as server:
        for number in range(ROUNDS):
            options.tell(f"Raw table, round {number + 1}")
            dsn = server.create(f"table_{number}")
            with tempfile.TemporaryDirectory() as home:
                _fill(dsn, lines)
                plain.append(_insert_select(dsn))
                site = set_up_lethe(dsn, Path(home), _POLICY)
                server.checkpoint()
                begun = time.perf_counter()
                with log_room(site, AS_OF) as room:
                    done = work_rows(room, "lines", Range(), "lines")
                ours.append(time.perf_counter() - begun)
            if done.written != done.read or not done.read:
                raise AssertionError(f"{done.read} rows were read, {done.written} written")
            server.drop(f"table_{number}")
    rates = {"INSERT … SELECT": plain, "Lethe": ours}
    report.tables["Raw table"] = [
        {
            "contender": name,
            "rows a second": round(lines / statistics.median(seconds)),
            "seconds": " ".join(f"{s:.2f}" for s in sorted(seconds)),
        }
        for name, seconds in rates.items()
    ]
    share = statistics.median(plain) / statistics.median(ours)
    report.figures.append(at_least("of INSERT … SELECT of the same rows", share, 0.25))


def _fill(dsn: str, lines: int) -> None:
    text = io.StringIO()
    for number, line in enumerate(make_lines(random.Random(7), lines)):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        ip, user, at, method, url, status, size, referrer, agent = match.groups()
        fields = (
            number, _stamp(at), ip, _null(user), method, url, status, size, _null(referrer), agent,
        )  # fmt: skip
        text.write("\t".join(map(str, fields)) + "\n")
    text.seek(0)
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(_RAW)
        cursor.copy_expert("COPY web.raw_line FROM STDIN", text)
        cursor.execute("VACUUM ANALYZE web.raw_line")


def _stamp(text: str) -> str:
    day, month, rest = text.split("/", 2)
    return f"{day} {month} {rest.replace(':', ' ', 1)}"


def _null(text: str) -> str:
    return "\\N" if text == "-" else text


def _insert_select(dsn: str) -> float:
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE web.copied_line (LIKE web.raw_line INCLUDING ALL)")
        cursor.execute("CHECKPOINT")
        begun = time.perf_counter()
        cursor.execute("INSERT INTO web.copied_line SELECT * FROM web.raw_line")
        taken = time.perf_counter() - begun
        cursor.execute("DROP TABLE web.copied_line")
    return taken
