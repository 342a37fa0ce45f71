"""Rows in the binary form of COPY: ciphertexts go as they are, and the server parses no text.

The form is that of PostgreSQL's manual, 'COPY', binary format, and of the types' send functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_CHUNK = 64 * 1024
_TEXT = 25
_length = struct.Struct(">i").pack
_bigint = struct.Struct(">iq").pack
_array = struct.Struct(">iiiii").pack
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
    since = value - _TIME_ZERO
    micro = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return struct.pack(">iq", 8, micro)


def pack_texts(values: Sequence[str | None] | None) -> bytes:
    """A text[] of one dimension."""
    if values is None:
        return NULL
    parts = [pack_bytes(None if value is None else value.encode()) for value in values]
    body = _array(1, int(None in values), _TEXT, len(parts), 1) + b"".join(parts)
    return _length(len(body)) + body


class RowStream:
    """Rows as the file that COPY reads: the next are made while the server takes the last."""

    def __init__(self, rows: Iterator[bytes]) -> None:
        self._rows = rows
        self._rest = HEADER
        self._ended = False

    def read(self, size: int = _CHUNK, /) -> bytes:
        """Read so many bytes, or the rest."""
        parts, length = [self._rest], len(self._rest)
        while length < size:
            row = next(self._rows, None)
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
