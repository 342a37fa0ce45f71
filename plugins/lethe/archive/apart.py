"""Work in a process of its own that sees the snapshot of whoever started it.

Such a process is started anew and imports what it needs alone. It is no child of
`multiprocessing`: that would import the whole program again, and a daemon may have none.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import psycopg2
from psycopg2 import extensions, sql

_PIPE = 1 << 20


class Asked(msgspec.Struct, frozen=True):
    """What a process is asked, on its standard input.

    snapshot  exported by the asker, whose transaction stays open
    work      what only the two of them understand
    """

    dsn: str
    snapshot: str
    work: Any


def ask(connection: extensions.connection, dsn: str, work: object) -> bytes:
    """Write what a process is asked, with the snapshot of a connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone() or ("",)
    return msgspec.msgpack.encode(Asked(dsn, str(snapshot), work))


def start_apart(module: str, asked: bytes) -> tuple[subprocess.Popen[bytes], int]:
    """Start a module as a process, and hand it what it is asked.

    Returns  the process, and the pipe on which it answers; the caller closes that
    """
    path = os.pathsep.join(each for each in sys.path if each)
    outlet, inlet = os.pipe()
    with suppress(OSError, AttributeError):  # a pipe of the usual size does as well
        fcntl.fcntl(inlet, fcntl.F_SETPIPE_SZ, _PIPE)
    try:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=inlet,
            env=os.environ | {"PYTHONPATH": path},
        )
    finally:
        os.close(inlet)
    with suppress(BrokenPipeError):
        if process.stdin is not None:
            with process.stdin:
                process.stdin.write(asked)
    return process, outlet


@contextmanager
def answering(kind: type[Any]) -> Iterator[tuple[extensions.connection, Any]]:
    """In the process: a connection that sees the asker's snapshot, and the work, of its kind."""
    from lethe.connections import acting_as, open_dsn
    from lethe.errors import describe_database_error

    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Asked)
    connection = open_dsn(asked.dsn)
    try:
        connection.set_client_encoding("UTF8")
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            named = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(asked.snapshot))
            cursor.execute(named)
        acting_as(connection, "runner")
        yield connection, msgspec.convert(asked.work, kind)
    except psycopg2.Error as error:
        sys.exit(f"lethe: {describe_database_error(error)}")
    finally:
        connection.close()
