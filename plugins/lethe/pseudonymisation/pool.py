"""The processes of the engine and the memory that they share."""

from __future__ import annotations

import mmap
import os
import selectors
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np

from lethe import errors
from lethe.errors import ActError
from lethe.pseudonymisation.batch import KeySource
from lethe.pseudonymisation.formats import make_format
from lethe.pseudonymisation.logplan import LogPlan
from lethe.pseudonymisation.outcome import NO_KEY, Part, Stretch
from lethe.pseudonymisation.parts import PartFile
from lethe.pseudonymisation.sources import Cut
from lethe.pseudonymisation.worker import Tally, Task, Worker, receive, send

_SLOTS_EACH: Final = 2
# Large arrays come and go with every stretch: taken from the system anew each time, they would
# cost a page fault a page.
_SETTINGS: Final = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_ARENA_MAX": "2",
    # Arrow's own allocator gives back and takes again on top of that, and keeps more.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # Each worker uses one processor.
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}
_PIPE_OCTETS: Final = 1 << 16
_COUNTED_OCTETS: Final = 1 << 17


class Crew:
    """Some workers, or none: then the work is done in this process."""

    def __init__(
        self,
        plan: LogPlan,
        work: Path,
        source: str,
        workers: int,
        slot_octets: int,
        missing_key: KeySource | None = None,
    ) -> None:
        self._format = make_format(plan)
        self._missing_key = missing_key
        self._keys: dict[str, bytes | str] = {}
        self._slot_octets = slot_octets
        self._tally = Tally()
        self._carried = b""
        self.lines = 0
        self.passed_lines = 0
        slots = max(workers * _SLOTS_EACH, 1)
        self._memory, self._descriptor = _shared_memory(slots * slot_octets)
        self._view = memoryview(self._memory)
        self._free = list(range(slots))
        self._filling = 0
        self._here: Worker | None = None
        self._hands: list[_Hand] = []
        task = Task(plan, work, source, 0, slots, slot_octets)
        if not workers:
            self._here = Worker(task, missing_key)
        else:
            self._hands = _start(
                [Task(plan, work, source, n, slots, slot_octets) for n in range(workers)],
                self._descriptor,
            )
        self._selector = selectors.DefaultSelector()
        for hand in self._hands:
            self._selector.register(hand.outward, selectors.EVENT_READ, hand)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for hand in self._hands:
            hand.end()
        self._selector.close()
        # The mapping goes with the last view of it; one may hang on an error on its way up.
        self._view.release()
        os.close(self._descriptor)

    def room(self) -> memoryview:
        """Give the memory for the next stretch, when some is free."""
        while not self._free:
            self._await()
        self._filling = self._free.pop()
        start = self._filling * self._slot_octets
        return self._view[start : start + self._slot_octets]

    def pass_over(self, cut: Cut) -> None:
        """Leave out what fills the memory last given: it was written before."""
        start = self._filling * self._slot_octets
        raw = self._view[start : start + cut.octets]
        if cut.part is Part.LINES:
            self.lines += _count_lines(raw)
            self._carried = self._format.carry(raw, self._carried)
        elif cut.part is Part.LONG_HEAD:
            self.lines += 1
        self.passed_lines = self.lines
        self._free.append(self._filling)

    def give(self, cut: Cut) -> None:
        """Have the stretch that fills the memory last given worked on."""
        start = self._filling * self._slot_octets
        raw = self._view[start : start + cut.octets]
        first_line = self.lines + (cut.part is not Part.LONG_TAIL)
        if cut.part is Part.LINES:
            self.lines += _count_lines(raw)
        elif cut.part is Part.LONG_HEAD:
            self.lines += 1
        carried = self._carried
        if cut.part is Part.LINES:
            self._carried = self._format.carry(raw, carried)
        if self._here is not None:
            stretch = Stretch(raw, first_line, cut.offset, carried, cut.part)
            self._tally.add(self._here.work(stretch))
            self._free.append(self._filling)
            return
        hand = min(self._hands, key=lambda h: h.busy)
        hand.busy += 1
        hand.send((self._filling, cut.octets, first_line, cut.offset, carried, cut.part))

    def finish(self) -> tuple[Tally, list[PartFile]]:
        """Wait until everything is written and read back."""
        if self._here is not None:
            return self._tally, self._here.finish()
        while any(hand.busy for hand in self._hands):
            self._await()
        for hand in self._hands:
            hand.send("finish")
        files: list[PartFile] = []
        while any(hand.files is None for hand in self._hands):
            self._await()
        for hand in self._hands:
            files += hand.files or []
        return self._tally, files

    def _await(self) -> None:
        for key, _ in self._selector.select():
            hand: _Hand = key.data
            kind, body = hand.receive()
            if kind == "done":
                slot, tally = body
                self._free.append(slot)
                hand.busy -= 1
                self._tally.add(tally)
            elif kind == "key":
                hand.send({body: self._key(body)})
            elif kind == "pid":
                hand.pid = body
            elif kind == "finished":
                hand.files = body
                self._selector.unregister(hand.outward)
            elif kind == "failed":
                raise _as_error(*body)

    def _key(self, period: str) -> bytes | str:
        if period not in self._keys:
            self._keys[period] = self._missing_key(period) if self._missing_key else NO_KEY
        return self._keys[period]


def _start(tasks: list[Task], descriptor: int) -> list[_Hand]:
    """Start one process, which forks the others when it has loaded what all of them need."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    inward, outward = [os.pipe() for _ in tasks], [os.pipe() for _ in tasks]
    ends = [(read[0], write[1]) for read, write in zip(inward, outward, strict=True)]
    # What is imported stays: to look through it for garbage meanwhile takes a tenth of the time.
    load = "import gc; gc.disable(); from lethe.pseudonymisation.worker import main"
    start = f"{load}; main({descriptor}, {ends})"
    given = [end for pair in ends for end in pair]
    try:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-c", start],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(descriptor, *given),
            env={**os.environ, **_SETTINGS, "PYTHONPATH": path},
        )
    finally:
        for end in given:
            os.close(end)
    hands = [
        # A message that waits in a buffer of ours would not be seen by the selector.
        _Hand(process, open(read[0], "rb", buffering=0), open(write[1], "wb", buffering=0))  # noqa: PTH123, SIM115
        for read, write in zip(outward, inward, strict=True)
    ]
    for hand, task in zip(hands, tasks, strict=True):
        hand.send(task)
    return hands


class _Hand:
    """One worker process, seen from the first one.

    process  the one that was started; it or a fork of it is the worker
    pid      of a fork, once it has told
    """

    def __init__(
        self, process: subprocess.Popen[bytes], outward: IO[bytes], inward: IO[bytes]
    ) -> None:
        self._process = process
        self._inward, self.outward = inward, outward
        self.pid: int | None = None
        self.busy = 0
        self.files: list[PartFile] | None = None

    def send(self, message: object) -> None:
        try:
            send(self._inward, message)
        except BrokenPipeError:
            # Why it ended stands in what it said last, which is read next.
            return

    def receive(self) -> tuple[str, Any]:
        message = receive(self.outward)
        if message is None:
            raise ActError("a worker process ended before its work was done")
        return message  # type: ignore[no-any-return]

    def end(self) -> None:
        """End the worker, and come back when it is gone: nobody writes any more."""
        if self.files is None:
            self._process.kill()
            if self.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
        self._inward.close()
        while self.outward.read(_PIPE_OCTETS):
            pass
        self.outward.close()
        self._process.wait()


def _as_error(kind: str, words: str) -> Exception:
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, errors.LetheError):
        return known(words)
    if kind == "OSError":
        return ActError(
            f"the output cannot be written: {words}; nothing of it was committed, and the raw file"
            " is as it was"
        )
    return ActError(f"a worker process failed: {kind}{': ' + words if words else ''}")


def _count_lines(raw: memoryview) -> int:
    """Count lines, piece by piece: what is compared then stays in the processor's cache."""
    octets = np.frombuffer(raw, dtype=np.uint8)
    pieces = range(0, len(octets), _COUNTED_OCTETS)
    ended = sum(int(np.count_nonzero(octets[at : at + _COUNTED_OCTETS] == 10)) for at in pieces)
    return ended + int(octets[-1] != 10)


def _shared_memory(octets: int) -> tuple[mmap.mmap, int]:
    descriptor = os.memfd_create("lethe-lines")
    os.ftruncate(descriptor, octets)
    return mmap.mmap(descriptor, octets), descriptor
