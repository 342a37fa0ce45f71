"""Documents to be archived, as the server streams them: the next come while these are sealed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import NamedTuple

from psycopg2 import extensions

from lethe.archive.apart import ask, start_apart
from lethe.errors import ActError

NULL = b"\xff"
"""Stands for NULL in a row; no text holds that byte."""
_COPIED_NULL = b"\\N"
_AHEAD = 2
_CHUNK = 1 << 20


class Row(NamedTuple):
    """A document as it is, every value in PostgreSQL's text form.

    reason        why it cannot be archived
    key, owner    PostgreSQL's text form of the arrays
    before_no     leaf of its newest archived version
    bound, party  canonical JSON; party only with the first document of a subject (and day)
    """

    reason: bytes
    key: bytes
    owner: bytes
    number: bytes
    day: bytes
    country: bytes
    currency: bytes
    total: bytes
    corrects: bytes
    year_end: bytes
    before_no: bytes
    bound: bytes
    party: bytes

    @property
    def before_leaf(self) -> int | None:
        """Leaf of its newest archived version."""
        return None if self.before_no == NULL else int(self.before_no)


def copy_out(connection: extensions.connection, query: str, pipe: int) -> None:
    """Write the rows of a query into a pipe, and close it."""
    with os.fdopen(pipe, "wb", _CHUNK) as file, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT", file)


def stream_rows(connection: extensions.connection, query: str, size: int) -> Iterator[list[bytes]]:
    """Stream the rows of a query in batches, in a thread, within the caller's transaction.

    connection  nobody else may use it meanwhile
    Returns     lines as COPY sends them; `parse_row` reads them
    """
    outlet, inlet = os.pipe()
    failed: list[BaseException] = []

    def copy() -> None:
        try:
            copy_out(connection, query, inlet)
        except BaseException as error:  # told to whoever reads the rows
            failed.append(error)

    def end(early: bool) -> None:
        if early:
            connection.cancel()
        thread.join()
        if failed and not early:
            raise failed[0]

    thread = Thread(target=copy, name="lethe-archive-copy", daemon=True)
    thread.start()
    yield from read_batches(outlet, size, end)


def stream_apart(
    connection: extensions.connection, query: str, size: int, dsn: str
) -> Iterator[list[bytes]]:
    """The same in a process and on a connection of its own, on the caller's snapshot.

    A thread that takes row after row would wait for the one that seals them, every time.
    """
    process, outlet = start_apart("lethe.archive.capture_process", ask(connection, dsn, query))

    def end(early: bool) -> None:
        if early:
            process.kill()
        if process.wait() and not early:
            raise ActError("a process that read what is to be archived ended early; run again")

    yield from read_batches(outlet, size, end)


def read_batches(pipe: int, size: int, end: Callable[[bool], None]) -> Iterator[list[bytes]]:
    """Read lines from a pipe in batches, a few ahead of the caller, and close it.

    end  called when the pipe has ended; with True, when the caller wants no more of it
    """
    reader = _BatchReader(pipe, size)
    reader.start()
    early = True
    try:
        while batch := reader.batches.get():
            yield batch
            reader.ahead.release()
        early = False
    finally:
        reader.closed = early
        reader.ahead.release()
        try:
            end(early)
        finally:
            reader.join()
            os.close(pipe)


class _BatchReader(Thread):
    """Reads the pipe in large pieces, so that it seldom wants the interpreter."""

    def __init__(self, pipe: int, size: int) -> None:
        super().__init__(name="lethe-archive-reader", daemon=True)
        self.batches: SimpleQueue[list[bytes]] = SimpleQueue()
        self.ahead = Semaphore(_AHEAD)
        self.closed = False
        self._pipe = pipe
        self._size = size

    def run(self) -> None:
        """Read until the end; what nobody wants any more is thrown away."""
        lines: list[bytes] = []
        rest = b""
        while chunk := os.read(self._pipe, _CHUNK):
            *found, rest = (rest + chunk).split(b"\n")
            lines += found
            while len(lines) >= self._size and not self.closed:
                self.batches.put(lines[: self._size])
                del lines[: self._size]
                self.ahead.acquire()
        if lines:
            self.batches.put(lines)
        self.batches.put([])


_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_escaped = re.compile(rb"\\(.)").sub


def parse_row(line: bytes) -> Row:
    """Read a row of COPY."""
    front, bound, party = line.rsplit(b"\t", 2)
    fields = front.replace(b"\t\\N", b"\t\xff").split(b"\t")
    if fields[0] == _COPIED_NULL:
        fields[0] = NULL
    if front.find(b"\\", 1) >= 0:
        fields = [_plain(each) for each in fields]
    # JSON writes a line feed with a backslash of its own: COPY doubles those, and nothing else.
    if b"\\" in bound:
        bound = bound.replace(b"\\\\", b"\\")
    party = NULL if party == _COPIED_NULL else party.replace(b"\\\\", b"\\")
    return Row._make((*fields, bound, party))


def _plain(value: bytes) -> bytes:
    return _escaped(lambda match: _ESCAPES.get(match[1], match[1]), value)
