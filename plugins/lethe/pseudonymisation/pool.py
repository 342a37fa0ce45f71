"""The processes of the engine and the memory that they share."""

from __future__ import annotations

import mmap
import os
import selectors
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

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
_MALLOC: Final = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_ARENA_MAX": "2",
}


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
            for number in range(workers):
                each = Task(plan, work, source, number, slots, slot_octets)
                self._hands.append(_Hand(each, self._descriptor))
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

    def give(self, cut: Cut) -> None:
        """Have the stretch that fills the memory last given worked on."""
        start = self._filling * self._slot_octets
        raw = self._view[start : start + cut.octets]
        first_line = self.lines + (cut.part is not Part.LONG_TAIL)
        if cut.part is Part.LINES:
            octets = np.frombuffer(raw, dtype=np.uint8)
            self.lines += int(np.count_nonzero(octets == 10)) + int(octets[-1] != 10)
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
            elif kind == "finished":
                hand.files = body
                self._selector.unregister(hand.outward)
            elif kind == "failed":
                raise _as_error(*body)

    def _key(self, period: str) -> bytes | str:
        if period not in self._keys:
            self._keys[period] = self._missing_key(period) if self._missing_key else NO_KEY
        return self._keys[period]


class _Hand:
    """One worker process, seen from the first one."""

    def __init__(self, task: Task, descriptor: int) -> None:
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        start = f"from lethe.pseudonymisation.worker import main; main({descriptor})"
        command = [sys.executable, "-P", "-c", start]
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A message that waits in a buffer of ours would not be seen by the selector.
            bufsize=0,
            pass_fds=(descriptor,),
            env={**os.environ, **_MALLOC, "POLARS_MAX_THREADS": "1", "PYTHONPATH": path},
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise ActError("a worker process has no pipes")
        self._inward, self.outward = self._process.stdin, self._process.stdout
        self.busy = 0
        self.files: list[PartFile] | None = None
        self.send(task)

    def send(self, message: object) -> None:
        try:
            send(self._inward, message)
        except BrokenPipeError:
            # Why it ended stands in what it said last, which is read next.
            return

    def receive(self) -> tuple[str, Any]:
        message = receive(self.outward)
        if message is None:
            code = self._process.wait()
            raise ActError(f"a worker process ended with code {code} before its work was done")
        return message  # type: ignore[no-any-return]

    def end(self) -> None:
        if self.files is None:
            self._process.kill()
        self._inward.close()
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


def _shared_memory(octets: int) -> tuple[mmap.mmap, int]:
    descriptor = os.memfd_create("lethe-lines")
    os.ftruncate(descriptor, octets)
    return mmap.mmap(descriptor, octets), descriptor
