"""A steady load of reads and small updates on random accounts, in a process of its own.

`python -m benchmarks.load ACCOUNTS RATE` reads the DSN from its environment, works until its
standard input is closed, and prints what became of every operation. An operation has a time at
which it is due, whatever became of those before it: waiting for a worker counts as latency.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg2

WORKERS = 16
READS = 3
"""Reads for each update."""
READ = (
    "SELECT a.company, a.country, s.product, s.ended_on FROM shop.account AS a"
    " LEFT JOIN shop.service AS s USING (account_id) WHERE a.account_id = %s"
)
UPDATE = "UPDATE shop.account SET seen = seen + 1 WHERE account_id = %s"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: when it was due and when it ended (monotonic clock); None: it never did."""

    kind: str
    due: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """What the load felt between two moments."""

    share: float
    read_p99_ms: float
    update_p99_ms: float


class Load:
    """The process, for the one who measures."""

    def __init__(self, dsn: str, accounts: int, rate: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load", str(accounts), str(rate)],
            env={**os.environ, "LOAD_DSN": dsn, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def stop(self) -> list[Operation]:
        """End it; gives every operation."""
        out, _ = self._process.communicate("")
        return [Operation(*each) for each in json.loads(out)]


def span(operations: Sequence[Operation], start: float, end: float) -> Span:
    """Sum up the operations that were due between two moments."""
    due = [each for each in operations if start <= each.due < end]
    finished = [each for each in due if each.ended is not None and each.ended <= end]
    return Span(
        len(finished) / len(due) if due else 1.0,
        _p99([each for each in due if each.kind == "read"], end),
        _p99([each for each in due if each.kind == "update"], end),
    )


def _p99(operations: Sequence[Operation], end: float) -> float:
    waits = sorted((each.ended or end) - each.due for each in operations)
    return 1000 * waits[min(len(waits) - 1, int(0.99 * len(waits)))] if waits else 0.0


def _work(number: int, dsn: str, accounts: int, rate: int, began: float, out: list) -> None:  # type: ignore[type-arg]
    chance = random.Random(number)
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    cursor = connection.cursor()
    turn = number
    while not _over.is_set():
        due = began + turn / rate
        if _over.wait(max(0.0, due - time.monotonic())):
            return
        kind = "update" if turn // WORKERS % (READS + 1) == number % (READS + 1) else "read"
        entry = [kind, due, None]
        out.append(entry)
        cursor.execute(READ if kind == "read" else UPDATE, (chance.randint(1, accounts),))
        if kind == "read":
            cursor.fetchall()
        entry[2] = time.monotonic()
        turn += WORKERS


_over = threading.Event()


def main() -> None:
    """Work until standard input ends."""
    accounts, rate = int(sys.argv[1]), int(sys.argv[2])
    done: list[list[object]] = []
    began = time.monotonic() + 0.5
    workers = [
        threading.Thread(
            target=_work,
            args=(number, os.environ["LOAD_DSN"], accounts, rate, began, done),
            daemon=True,
        )
        for number in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    print("ready", flush=True)
    sys.stdin.read()
    _over.set()
    for worker in workers:
        worker.join(timeout=10)
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main()
