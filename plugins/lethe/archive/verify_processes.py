"""Verify ranges of leaves side by side, each in a process and on a connection of its own.

The processes are started anew and import what they need alone. They are no children of
`multiprocessing`: those would import the whole program again, and a daemon may have none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
from psycopg2 import extensions, sql

from lethe.archive.verify_range import verify_range
from lethe.archive.verify_rows import Part, Range
from lethe.errors import ActError


class Asked(msgspec.Struct, frozen=True):
    """What a process is asked, on its standard input.

    snapshot  exported by the asker, whose transaction stays open
    """

    dsn: str
    snapshot: str
    range: Range


def verify_ranges(
    connection: extensions.connection, ranges: Sequence[Range], dsn: str | None
) -> Iterator[Part]:
    """Verify ranges; more than one at once, if a DSN for more connections is given."""
    if len(ranges) < 2 or dsn is None:
        yield from (verify_range(connection, each) for each in ranges)
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone() or ("",)
    with ThreadPoolExecutor(len(ranges), "lethe-archive-verify") as pool:
        yield from pool.map(_ask, [Asked(dsn, str(snapshot), each) for each in ranges])


def _ask(asked: Asked) -> Part:
    path = os.pathsep.join(each for each in sys.path if each)
    done = subprocess.run(
        [sys.executable, "-m", "lethe.archive.verify_processes"],
        input=msgspec.msgpack.encode(asked),
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )
    if done.returncode:
        raise ActError("a process that verified a part of the archive ended early; run again")
    return msgspec.msgpack.decode(done.stdout, type=Part)


def _answer() -> None:
    import gc

    from lethe.connections import acting_as, open_dsn

    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Asked)
    gc.disable()  # nothing here refers to itself, and every record makes some objects
    connection = open_dsn(asked.dsn)
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            named = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(asked.snapshot))
            cursor.execute(named)
        acting_as(connection, "runner")
        part = verify_range(connection, asked.range)
    finally:
        connection.close()
    sys.stdout.buffer.write(msgspec.msgpack.encode(part))


if __name__ == "__main__":
    _answer()
