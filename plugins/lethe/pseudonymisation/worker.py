"""The engine's second and third process: works on stretches that the first one reads.

Started by `pool.Crew`. The plan, which holds keys, comes through a pipe, never through arguments
or the environment; the raw lines come through memory that the processes share and that has no
name in any file system.

Libraries are loaded and patterns compiled once, by the first worker, which then forks the others.
Polars is left out of that: its threads would be missing behind a fork.
"""

from __future__ import annotations

import gc
import mmap
import os
import pickle
import struct
import sys
import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Final, cast

from lethe.pseudonymisation.batch import Batches, KeySource
from lethe.pseudonymisation.logplan import Kind, LogPlan, Method
from lethe.pseudonymisation.outcome import Done, Stretch
from lethe.pseudonymisation.parts import PartFile, PartWriter
from lethe.pseudonymisation.quarantine import QuarantineWriter

_LENGTH: Final = struct.Struct(">I")
_GARBAGE: Final = 200_000


@dataclass(slots=True)
class Tally:
    """What became of some stretches, added up."""

    lines: int = 0
    octets: int = 0
    rows: int = 0
    row_octets: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    reason_octets: dict[str, int] = field(default_factory=dict)
    line_sum: int = 0
    # Number of the last line that was set aside, and where it begins, below zero.
    last_aside: tuple[int, int] = (0, 0)

    def add(self, other: Tally | Done) -> None:
        """Add what became of another stretch."""
        self.lines += other.lines
        self.octets += other.octets
        self.rows += other.rows
        self.row_octets += other.row_octets
        self.line_sum += other.line_sum
        if isinstance(other, Tally):
            self.last_aside = max(self.last_aside, other.last_aside)
        for mine, theirs in (
            (self.reasons, other.reasons),
            (self.reason_octets, other.reason_octets),
        ):
            for reason, number in theirs.items():
                mine[reason] = mine.get(reason, 0) + number


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker works on."""

    plan: LogPlan
    work: Path
    source: str
    number: int
    slots: int = 0
    slot_octets: int = 0


class Worker:
    """Works on stretches of one source and writes what comes of them under `work`."""

    def __init__(self, task: Task, missing_key: KeySource | None = None) -> None:
        self._batches = Batches(task.plan, missing_key)
        self._parts = PartWriter(task.work, task.source, task.number, self._batches.schema)
        name = f"_quarantine/{task.source}-{task.number}.lq"
        path = task.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._quarantine = QuarantineWriter(path, task.plan.quarantine_key, task.source)

    def work(self, stretch: Stretch) -> Tally:
        """Work on one stretch."""
        done = self._batches.process(stretch)
        self._parts.write(done.days)
        self._quarantine.write(done.quarantined)
        aside = max(((line.line, -line.offset) for line in done.quarantined), default=(0, 0))
        tally = Tally(last_aside=aside)
        tally.add(done)
        return tally

    def finish(self) -> list[PartFile]:
        """Make everything durable and read it back."""
        self._quarantine.close()
        return self._parts.finish()


def send(stream: IO[bytes], message: object) -> None:
    """Write one message."""
    body = pickle.dumps(message, protocol=5)
    rest = memoryview(_LENGTH.pack(len(body)) + body)
    while rest:
        rest = rest[stream.write(rest) :]
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message; None at the end."""
    head = _read_exactly(stream, _LENGTH.size)
    if head is None:
        return None
    body = _read_exactly(stream, _LENGTH.unpack(head)[0])
    # The other end is the parent process, over a pipe that nobody else holds.
    return None if body is None else pickle.loads(body)  # noqa: S301


def _read_exactly(stream: IO[bytes], count: int) -> bytes | None:
    parts = []
    while count:
        part = stream.read(count)
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


class _WithoutPandas:
    """pyarrow imports pandas at its first array; without it a worker is ready 0.2 s earlier."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Say that there is no pandas, and nothing of other modules."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname, path=str(path or target or ""))


def main(descriptor: int, ends: Sequence[tuple[int, int]]) -> None:
    """Serve the parent until it says that the source has ended, each worker its own pipes.

    ends  of each worker, what it reads from and what it writes to
    """
    # What a library prints must not end up anywhere else.
    sys.stdout = sys.stderr
    sys.meta_path.insert(0, _WithoutPandas())
    inward, outward = _opened(ends[0])
    task: Task | None = receive(inward)
    others = []
    if task is not None and len(ends) > 1:
        _get_ready(task.plan)
        for mine in ends[1:]:
            if child := _fork():
                others.append(child)
                continue
            inward.close()
            outward.close()
            for pair in ends[1:]:
                if pair != mine:
                    _close(pair)
            inward, outward = _opened(mine)
            send(outward, ("pid", os.getpid()))
            task, others = receive(inward), []
            break
        else:
            for pair in ends[1:]:
                _close(pair)
    if task is not None:
        _serve(task, descriptor, inward, outward)
    outward.close()
    for child in others:
        os.waitpid(child, 0)
    # Nothing is left to be done: to take everything apart in order would only take time.
    os._exit(0)


def _opened(pair: tuple[int, int]) -> tuple[IO[bytes], IO[bytes]]:
    return open(pair[0], "rb"), open(pair[1], "wb")  # noqa: PTH123


def _close(pair: tuple[int, int]) -> None:
    for end in pair:
        os.close(end)


def _get_ready(plan: LogPlan) -> None:
    """Load what every worker needs and a fork leaves whole."""
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401

    from lethe.pseudonymisation.agents import get_ready
    from lethe.pseudonymisation.formats import make_format

    if any(
        plan.kind_of(name) is Kind.AGENT and plan.method_of(name) is Method.REDUCE
        for name in make_format(plan).fields
    ):
        get_ready()
    # What is there now stays, and is looked at by no collection in any of them.
    gc.freeze()


def _fork() -> int:
    with warnings.catch_warnings():
        # The only thread is that of Arrow's allocator, which knows of forks.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _serve(task: Task, descriptor: int, inward: IO[bytes], outward: IO[bytes]) -> None:
    # Distinct values come by the ten thousand, and no cycles with them.
    gc.set_threshold(_GARBAGE, 10, 10)
    gc.enable()
    memory = mmap.mmap(descriptor, task.slots * task.slot_octets)
    view = memoryview(memory)
    waiting: deque[Any] = deque()

    def ask_key(period: str) -> bytes | str:
        """Ask the parent; stretches that it had given before its answer wait."""
        send(outward, ("key", period))
        while (answer := receive(inward)) is not None:
            if isinstance(answer, dict):
                return cast("bytes | str", answer[period])
            waiting.append(answer)
        raise EOFError

    try:
        worker = Worker(task, ask_key)
        while (message := waiting.popleft() if waiting else receive(inward)) is not None:
            if message == "finish":
                send(outward, ("finished", worker.finish()))
                return
            slot, octets, first_line, offset, carried, part = message
            start = slot * task.slot_octets
            raw = view[start : start + octets]
            send(
                outward,
                ("done", (slot, worker.work(Stretch(raw, first_line, offset, carried, part)))),
            )
    except Exception as fault:
        send(outward, ("failed", describe_fault(fault)))


def describe_fault(fault: Exception) -> tuple[str, str]:
    """Say of a fault what holds no value of a line: its type, and for the system's its words."""
    from lethe.errors import LetheError

    if isinstance(fault, LetheError):
        return type(fault).__name__, str(fault)
    if isinstance(fault, OSError) and fault.strerror:
        return "OSError", fault.strerror
    if isinstance(fault, AssertionError):
        return "AssertionError", str(fault)
    return type(fault).__name__, ""
