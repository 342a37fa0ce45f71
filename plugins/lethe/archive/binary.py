"""Rows in the binary form of COPY: ciphertexts go as they are, and the server parses no text.

The form is that of PostgreSQL's manual, 'COPY', binary format, and of the types' send functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from io import BytesIO

import psycopg2
from psycopg2 import extensions

from lethe.include import statement

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_CHUNK = 64 * 1024
_LARGE = 4 * 1024 * 1024
_TEXT = 25
_length = struct.Struct(">i").pack
_bigint = struct.Struct(">iq").pack
_array = struct.Struct(">iiiiii").pack
_only_text = struct.Struct(">iiiiiii").pack
_DAY_ZERO = date(2000, 1, 1).toordinal()
_TIME_ZERO = datetime(2000, 1, 1, tzinfo=UTC)


def begin_row(fields: int) -> bytes:
    """The beginning of a row."""
    return struct.pack(">h", fields)


def pack_bytes(value: bytes | None) -> bytes:
    """A text or bytea."""
    return NULL if value is None else _length(len(value)) + value


def pack_bigint(value: int | None) -> bytes:
    """A bigint."""
    return NULL if value is None else _bigint(8, value)


@lru_cache(4096)
def pack_day(value: str | None) -> bytes:
    """A date, given in ISO form."""
    if value is None:
        return NULL
    return struct.pack(">ii", 4, date.fromisoformat(value).toordinal() - _DAY_ZERO)


def pack_instant(value: datetime) -> bytes:
    """A timestamp with time zone."""
    return struct.pack(">iq", 8, micros_of(value))


def micros_of(value: datetime) -> int:
    """Microseconds since 2000, as PostgreSQL counts instants."""
    since = value - _TIME_ZERO
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def pack_only_text(value: bytes) -> bytes:
    """A text[] of one element."""
    size = len(value)
    return _only_text(24 + size, 1, 0, _TEXT, 1, 1, size) + value


def pack_texts(values: Sequence[bytes | None]) -> bytes:
    """A text[] of one dimension."""
    body = b"".join(map(pack_bytes, values))
    size = len(body) + 20
    return _array(size, 1, int(None in values), _TEXT, len(values), 1) + body


def copy_rows(connection: extensions.connection, name: str, rows: Iterator[bytes]) -> None:
    """Send packed rows through the COPY statement `name`, while they are made.

    Raises  what making them raises; the driver alone would tell of a cancelled statement
    """
    stream = _RowStream(rows)
    try:
        with connection.cursor() as cursor:
            cursor.copy_expert(statement(name), stream, _CHUNK)
    except psycopg2.Error:
        if stream.failed is not None:
            raise stream.failed from None
        raise


def copy_packed(connection: extensions.connection, name: str, rows: Sequence[bytes]) -> None:
    """Send rows that are packed already, in large pieces: the interpreter is free meanwhile."""
    whole = BytesIO(b"".join((HEADER, *rows, END)))
    with connection.cursor() as cursor:
        cursor.copy_expert(statement(name), whole, _LARGE)


class _RowStream:
    """Rows as the file that COPY reads: the next are made while the server takes the last."""

    def __init__(self, rows: Iterator[bytes]) -> None:
        self._rows = rows
        self._rest = HEADER
        self._ended = False
        self.failed: BaseException | None = None

    def read(self, size: int = _CHUNK, /) -> bytes:
        """Read so many bytes, or the rest."""
        parts, length = [self._rest], len(self._rest)
        while length < size:
            try:
                row = next(self._rows, None)
            except BaseException as error:
                self.failed = error
                raise
            if row is None:
                if not self._ended:
                    parts.append(END)
                self._ended = True
                break
            parts.append(row)
            length += len(row)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]

    def readline(self, size: int = _CHUNK, /) -> bytes:
        """COPY reads in blocks; the driver's types want this name."""
        return self.read(size)
