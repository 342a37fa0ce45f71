"""Sealed rows as COPY sends them: each opens, is canonical, and is what its leaf says."""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidTag

from lethe.archive.binary import END, HEADER, micros_of
from lethe.archive.shapes import CanonicalReader
from lethe.archive.tile_hashes import HASH, WIDTH
from lethe.archive.verify_parts import Part, Range
from lethe.keys.record_sealing import ABSENT, RecordSealer

_SIGNATURE = HEADER[:11]
_PAST_HEADER = 19
_FIELDS = 7
_COLUMNS = 11
_NULL_BETWEEN = b"," + ABSENT + b","
_length = struct.Struct(">i").unpack_from
_instant = struct.Struct(">q").unpack
# A listed document as long as it should be: leaf, wrapped key, digest, instant, and the beginning
# of what follows, without and with a copy for the recovery key.
_PLAIN = struct.Struct(">hiqi60si32siqii")
_RECOVERED = struct.Struct(">hiqi60si32siqi60si")
_COPIED_KEY = 60
_SIZES = ((_FIELDS, 8, 60, 32, 8, -1), (_FIELDS, 8, 60, 32, 8, _COPIED_KEY))
_AT_LEAST = 200
_AT_ONCE = 128
_BEHIND = b',"change":'
"""The name behind `bound`: no text holds an unescaped quote, so the last one is it."""
_TILE_BITS = WIDTH.bit_length() - 1
_quoted_or_plain = re.compile(rb'"((?:[^"\\]|""|\\\\)*)"|([^",]*)').match


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
        self._tile_no, self._tile = -1, b""
        self._sealer: RecordSealer | None = None
        self._ending = b""
        self._read = CanonicalReader().read
        self._instants: dict[str, int | None] = {}
        self._held: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take a message; it is worked off with others."""
        self._held.append(data)
        if len(self._held) >= _AT_ONCE:
            self._work()
        return len(data)

    def close(self) -> None:
        """Work off the rest, and name what is missing at the end."""
        self._work()
        self._skip_to(self._asked.end)

    def _work(self) -> None:
        """Work off messages: the row that all expect in this loop, any other with all questions."""
        held, self._held = self._held, []
        part, absent, read, due = self.part, self._asked.absent, self._read, self._next
        unpack, length_at, hashed = _PLAIN.unpack_from, _length, sha256
        for data in held:
            size = len(data)
            if size < _AT_LEAST:
                self._next = due
                self._take_message(data)
                due = self._next
                continue
            fields, a, number, b, wrapped, c, digest, d, instant, e, length = unpack(data)
            start, recovery = _PLAIN.size, None
            if e == _COPIED_KEY:
                *_, e, recovery, length = _RECOVERED.unpack_from(data)
                start = _RECOVERED.size
            middle = start + length
            if (
                (fields, a, b, c, d, e) not in _SIZES
                or not 0 <= length < size - start
                or length_at(data, middle) != (size - middle - 4,)
                or number != due
                or not self._first <= number < self._last
                or number >> _TILE_BITS != self._tile_no
                or number in absent
                or self._sealer is None
            ):
                self._next = due
                self._take_message(data)
                due = self._next
                continue
            due += 1
            part.records += 1
            place = number % WIDTH * HASH
            columns = _columns_of(data[start:middle])
            try:
                if not columns.endswith(self._ending):
                    raise InvalidTag
                _, record = self._sealer.open(
                    number,
                    self._tile[place : place + HASH],
                    data[middle + 4 :],
                    wrapped,
                    recovery,
                    columns,
                )
                _, kind, recorded_at, previous = read(record, columns[:8])
            except (InvalidTag, ValueError):
                part.fault(f"leaf {number}: its record does not open as what the leaf says")
                continue
            if (
                kind == "document"
                and previous is None
                and hashed(record[9 : record.rfind(_BEHIND)]).digest() == digest
                and self._instants.get(recorded_at) == instant
            ):
                part.listed += 1
            else:
                self._tell(number, record, (kind, recorded_at, previous), digest, instant)
        self._next = due

    def _take_message(self, data: bytes) -> None:
        at = _PAST_HEADER if data.startswith(_SIGNATURE) else 0
        while at < len(data) and data[at : at + 2] != END:
            at = self._take_any(data, at + 2)

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
        if number >> _TILE_BITS != self._tile_no:
            self._tile_no = number >> _TILE_BITS
            self._tile = self._tiles.get(self._tile_no, b"")
        place = number % WIDTH * HASH
        leaf = self._tile[place : place + HASH]
        if not self._first <= number < self._last:
            self._enter(number)
        columns = _columns_of(texts or b"")
        if self._sealer is None or not columns.endswith(self._ending):
            part.fault(f"leaf {number}: its head or the key of that head is not there")
            return
        try:
            _, record = self._sealer.open(number, leaf, sealed or b"", wrapped, recovery, columns)
            _, kind, recorded_at, previous = self._read(record, columns[:8])
        except (InvalidTag, ValueError):
            part.fault(f"leaf {number}: its record does not open as what the leaf says")
            return
        self._tell(number, record, (kind, recorded_at, previous), digest, instant)

    def _tell(
        self,
        number: int,
        record: bytes,
        said: tuple[str, str, int | None],
        digest: bytes | None,
        instant: int | None,
    ) -> None:
        """What the sweep compares live data with is the digest of what is sealed."""
        kind, recorded, previous = said
        if kind == "clock":
            self.part.clocks.add(number)
        if kind != "document":
            return
        if previous is not None:
            self.part.superseded.add(previous)
        if digest is None:
            self.part.unlisted.add(number)
            return
        self.part.listed += 1
        if sha256(record[9 : record.rfind(_BEHIND)]).digest() != digest:
            self.part.fault(
                f"leaf {number}: the digest of its document is not that of what is sealed"
            )
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
    if b'"' not in row:  # a text with a comma in it stands in quotes
        joined = row[1:-1].replace(b",,", _NULL_BETWEEN)
        if b",," in joined:
            joined = joined.replace(b",,", _NULL_BETWEEN)
        return joined.replace(b",", b"\x00")
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
