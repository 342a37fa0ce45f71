"""Sealed rows as COPY sends them: each opens, is canonical, and is what its leaf says."""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag

from lethe.archive.binary import END, HEADER, micros_of
from lethe.archive.records import read_record
from lethe.archive.sealing import ABSENT, RecordSealer
from lethe.archive.tile_hashes import HASH, WIDTH

_PAST_HEADER = 19
_FIELDS = 7
_COLUMNS = 11
_MOST = 200
_length = struct.Struct(">i").unpack_from
_instant = struct.Struct(">q").unpack
# Leaf, wrapped key, digest and instant of a listed document, as long as they should be.
_LISTED = struct.Struct(">hiqi60si32siq")
_LISTED_SIZES = (_FIELDS, 8, 60, 32, 8)
_quoted_or_plain = re.compile(rb'"((?:[^"\\]|""|\\\\)*)"|([^",]*)').match


@dataclass(frozen=True, slots=True)
class Range:
    """Leaves [start, end), from a whole tile on.

    absent   those of them that are no living record
    secrets  keys of the ring, by id
    spans    of each head: its text, the leaf after its last, the key that it is wrapped under
    """

    start: int
    end: int
    absent: frozenset[int]
    secrets: Mapping[str, bytes]
    spans: tuple[tuple[str, int, str], ...]
    warehouse: bytes


@dataclass(slots=True)
class Part:
    """What a range gave.

    unlisted    documents that the list of archived documents does not name
    superseded  documents that a later version names as the one before it
    """

    records: int = 0
    faults: list[str] = field(default_factory=list)
    unlisted: set[int] = field(default_factory=set)
    superseded: set[int] = field(default_factory=set)

    def fault(self, text: str) -> None:
        """Note a fault."""
        if len(self.faults) < _MOST:
            self.faults.append(text)


class RowReader:
    """Takes rows of `archive/copy_range` as the server sends them: whole rows a message."""

    def __init__(self, asked: Range, tiles: Mapping[int, bytes]) -> None:
        self.part = Part()
        self._asked = asked
        self._tiles = tiles
        self._next = asked.start
        self._sealers = {
            key: RecordSealer(secret, asked.warehouse) for key, secret in asked.secrets.items()
        }
        self._ends = [end for _, end, _ in asked.spans]
        self._first = self._last = 0
        self._sealer: RecordSealer | None = None
        self._ending = b""
        self._instants: dict[str, int | None] = {}

    def write(self, data: bytes) -> int:
        """Take a message."""
        at = _PAST_HEADER if data.startswith(HEADER[:11]) else 0
        size = len(data)
        while at < size and data[at : at + 2] != END:
            if size - at > _LISTED.size:
                fields, a, number, b, wrapped, c, digest, d, instant = _LISTED.unpack_from(data, at)
                if (fields, a, b, c, d) == _LISTED_SIZES:
                    recovery, at = _field(data, at + _LISTED.size)
                    texts, at = _field(data, at)
                    sealed, at = _field(data, at)
                    self._take(number, sealed, wrapped, recovery, texts, digest, instant)
                    continue
            at = self._take_any(data, at + 2)
        return size

    def close(self) -> None:
        """Name what is missing at the end."""
        self._skip_to(self._asked.end)

    def _take_any(self, data: bytes, at: int) -> int:
        """Take a row whose columns may be absent, or have any length."""
        found = []
        for _ in range(_FIELDS):
            value, at = _field(data, at)
            found.append(value)
        number, wrapped, digest, instant, recovery, texts, sealed = found
        self._take(
            int.from_bytes(number or b"", "big", signed=True),
            sealed,
            wrapped or b"",
            recovery,
            texts,
            digest,
            None if instant is None else _instant(instant)[0],
        )
        return at

    def _take(
        self,
        number: int,
        sealed: bytes | None,
        wrapped: bytes,
        recovery: bytes | None,
        texts: bytes | None,
        digest: bytes | None,
        instant: int | None,
    ) -> None:
        part = self.part
        if number != self._next:
            self._misplaced(number)
        self._next = number + 1
        if number in self._asked.absent:
            part.fault(f"leaf {number}: was destroyed, and a record stands in its place")
        part.records += 1
        leaf = self._tiles.get(number // WIDTH, b"")[number % WIDTH * HASH :][:HASH]
        if not self._first <= number < self._last:
            self._enter(number)
        columns = _columns_of(texts or b"")
        if self._sealer is None or not columns.endswith(self._ending):
            part.fault(f"leaf {number}: its head or the key of that head is not there")
            return
        try:
            _, record = self._sealer.open(number, leaf, sealed or b"", wrapped, recovery, columns)
            said = read_record(record)
        except (InvalidTag, ValueError):
            part.fault(f"leaf {number}: its record does not open as what the leaf says")
            return
        if said["kind"] == "document":
            self._listed(number, record, said, digest, instant)

    def _listed(
        self,
        number: int,
        record: bytes,
        said: Mapping[str, Any],
        digest: bytes | None,
        instant: int | None,
    ) -> None:
        """What the sweep compares live data with is the digest of what is sealed."""
        if said["previous"] is not None:
            self.part.superseded.add(said["previous"])
        if digest is None:
            self.part.unlisted.add(number)
            return
        # No text holds an unescaped quote: the last such name is the one behind `bound`.
        if sha256(record[9 : record.rfind(b',"change":')]).digest() != digest:
            self.part.fault(
                f"leaf {number}: the digest of its document is not that of what is sealed"
            )
        recorded = said["recorded_at"]
        if recorded not in self._instants:
            self._instants[recorded] = micros_of(datetime.fromisoformat(recorded))
        if self._instants[recorded] != instant:
            self.part.fault(f"leaf {number}: the instant of its archiving is not the sealed one")

    def _enter(self, number: int) -> None:
        """Come to the records of another append."""
        at = bisect_right(self._ends, number)
        self._sealer = None
        if number < 0 or at == len(self._ends):
            return
        head, self._last, key = self._asked.spans[at]
        self._first = self._ends[at - 1] if at else 0
        self._sealer = self._sealers.get(key)
        self._ending = b"\x00" + head.encode()

    def _misplaced(self, number: int) -> None:
        if number > self._next:
            self._skip_to(number)
        else:
            self.part.fault(f"leaf {number}: its record is doubled, or listed for two documents")

    def _skip_to(self, number: int) -> None:
        absent = self._asked.absent
        while self._next < number:
            if self._next not in absent:
                self.part.fault(f"leaf {self._next}: its record is missing")
            self._next += 1


def _field(data: bytes, at: int) -> tuple[bytes | None, int]:
    (length,) = _length(data, at)
    at += 4
    if length < 0:
        return None, at
    end = at + length
    return data[at:end], end


def _columns_of(row: bytes) -> bytes:
    """The columns of PostgreSQL's text form of a row, as `join_columns` writes them."""
    if row.count(b'"') == 0 and row.count(b",") == _COLUMNS - 1:
        joined = row[1:-1].replace(b",", b"\x00")
        while b"\x00\x00" in joined:
            joined = joined.replace(b"\x00\x00", b"\x00" + ABSENT + b"\x00")
        return joined
    found, at, body = [], 0, row[1:-1]
    while at <= len(body):
        match = _quoted_or_plain(body, at)
        if match is None:
            return b""
        quoted, plain = match.groups()
        if quoted is not None:
            found.append(quoted.replace(b'""', b'"').replace(b"\\\\", b"\\"))
        else:
            found.append(plain or ABSENT)
        at = match.end() + 1
    return b"\x00".join(found) if len(found) == _COLUMNS else b""
