"""Verify ranges of leaves side by side, each in a process and on a connection of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
from psycopg2 import extensions

from lethe.archive.apart import answering, ask, start_apart
from lethe.archive.verify_parts import Part, Range
from lethe.archive.verify_range import verify_range
from lethe.errors import ActError


def verify_ranges(
    connection: extensions.connection, ranges: Sequence[Range], dsn: str | None
) -> Iterator[Part]:
    """Verify ranges; more than one at once, if a DSN for more connections is given."""
    if len(ranges) < 2 or dsn is None:
        yield from (verify_range(connection, each) for each in ranges)
        return
    asked = [ask(connection, dsn, each) for each in ranges]
    with ThreadPoolExecutor(len(ranges), "lethe-archive-verify") as pool:
        yield from pool.map(_wait, asked)


def _wait(asked: bytes) -> Part:
    process, outlet = start_apart("lethe.archive.verify_processes", asked)
    with os.fdopen(outlet, "rb") as pipe:
        answer = pipe.read()
    if process.wait():
        raise ActError("a process that verified a part of the archive ended early; run again")
    return msgspec.msgpack.decode(answer, type=Part)


def main() -> None:
    """Answer with what a range gave."""
    import gc

    gc.disable()  # nothing here refers to itself, and every record makes some objects
    with answering(Range) as (connection, asked):
        part = verify_range(connection, asked)
    sys.stdout.buffer.write(msgspec.msgpack.encode(part))


if __name__ == "__main__":
    main()
