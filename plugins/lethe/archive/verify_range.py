"""Verify a range of leaves: every living record opens, is canonical, and is what its leaf says."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from psycopg2 import extensions, sql

from lethe.archive.binary import END, HEADER
from lethe.archive.records import read_record
from lethe.archive.sealing import ABSENT, RecordSealer, Sealed
from lethe.archive.tiles import HASH, WIDTH, perfect_root
from lethe.include import statement

_PAST_HEADER = 19
_FIELDS = 17
_PLACES = range(_FIELDS)
_HEAD = 14
_MOST = 200
_length = struct.Struct(">i").unpack_from


@dataclass(frozen=True, slots=True)
class Range:
    """Leaves [start, end), from a whole tile on.

    absent   those of them that are no living record
    secrets  keys of the ring, by id
    wraps    head → id of the key that its records are wrapped under
    spans    head, first leaf, leaf after its last
    """

    start: int
    end: int
    absent: frozenset[int]
    secrets: Mapping[str, bytes]
    wraps: Mapping[str, str]
    spans: tuple[tuple[str, int, int], ...]
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


def verify_range(connection: extensions.connection, asked: Range) -> Part:
    """Verify the living records and the tiles of a range."""
    leaves = _read_leaves(connection, asked)
    reader = _Reader(asked, leaves)
    with connection.cursor() as cursor:
        cursor.copy_expert(
            statement(
                "archive/copy_range", first=sql.Literal(asked.start), last=sql.Literal(asked.end)
            ),
            reader,
        )
    reader.close()
    _verify_tiles(connection, asked, leaves, reader.part)
    return reader.part


def _read_leaves(connection: extensions.connection, asked: Range) -> dict[int, bytes]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement("archive/read_tiles"),
            {"level": 0, "first": asked.start // WIDTH, "last": -(-asked.end // WIDTH)},
        )
        return {int(tile): bytes(hashes) for tile, hashes in cursor.fetchall()}


def _verify_tiles(
    connection: extensions.connection, asked: Range, leaves: Mapping[int, bytes], part: Part
) -> None:
    """Full tiles give the hashes of the level above, and so on up."""
    level, below = 0, dict(leaves)
    first, last = asked.start // WIDTH, -(-asked.end // WIDTH)
    while below:
        with connection.cursor() as cursor:
            above_first, above_last = first // WIDTH, -(-last // WIDTH)
            cursor.execute(
                statement("archive/read_tiles"),
                {"level": level + 1, "first": above_first, "last": above_last},
            )
            above = {int(tile): bytes(hashes) for tile, hashes in cursor.fetchall()}
        for tile, hashes in below.items():
            if len(hashes) == WIDTH * HASH:
                place, at = divmod(tile, WIDTH)
                stored = above.get(place, b"")[at * HASH : (at + 1) * HASH]
                if stored != perfect_root(hashes):
                    part.faults.append(f"tile {level}/{tile}: is not what the level above says")
        level, below, first, last = level + 1, above, above_first, above_last


class _Reader:
    """Takes rows of COPY as the server sends them: whole rows a message."""

    def __init__(self, asked: Range, tiles: Mapping[int, bytes]) -> None:
        self._asked = asked
        self._tiles = tiles
        self._next = asked.start
        self.part = Part()
        self._sealers = {
            key: RecordSealer(secret, asked.warehouse) for key, secret in asked.secrets.items()
        }
        spans = {head: (first, last) for head, first, last in asked.spans}
        self._heads = {
            head.encode(): (self._sealers.get(key), *spans[head])
            for head, key in asked.wraps.items()
        }
        self._same_instant: dict[tuple[str, bytes], bool] = {}

    def write(self, data: bytes) -> int:
        """Take a message."""
        at = _PAST_HEADER if data.startswith(HEADER[:11]) else 0
        end, fields = len(data), [b""] * _FIELDS
        while at < end:
            if data[at : at + 2] == END:
                break
            at += 2
            for place in _PLACES:
                (length,) = _length(data, at)
                at += 4
                if length < 0:
                    fields[place] = ABSENT
                else:
                    fields[place] = data[at : (at := at + length)]
            self._take(fields)
        return end

    def close(self) -> None:
        """Name what is missing at the end."""
        self._skip_to(self._asked.end)

    def _fault(self, text: str) -> None:
        if len(self.part.faults) < _MOST:
            self.part.faults.append(text)

    def _skip_to(self, number: int) -> None:
        absent = self._asked.absent
        while self._next < number:
            if self._next not in absent:
                self._fault(f"leaf {self._next}: its record is missing")
            self._next += 1

    def _take(self, fields: list[bytes]) -> None:
        number = int.from_bytes(fields[0], "big")
        if number > self._next:
            self._skip_to(number)
        elif number < self._next:
            self._fault(f"leaf {number}: its record is doubled, or listed for two documents")
        self._next = number + 1
        if number in self._asked.absent:
            self._fault(f"leaf {number}: was destroyed, and a record stands in its place")
        self.part.records += 1
        tile, at = divmod(number, WIDTH)
        leaf = self._tiles.get(tile, b"")[at * HASH : (at + 1) * HASH]
        sealer, first, last = self._heads.get(fields[_HEAD], (None, 0, 0))
        if sealer is None or not first <= number < last:
            self._fault(f"leaf {number}: its head or the key of that head is not there")
            return
        recovery = None if fields[3] is ABSENT else fields[3]
        try:
            _, data = sealer.open(
                number, leaf, Sealed(b"", fields[1], fields[2], recovery), fields[4:15]
            )
            record = read_record(data)
        except (InvalidTag, ValueError):
            self._fault(f"leaf {number}: its record does not open as what the leaf says")
            return
        if record["kind"] == "document":
            self._listed(number, data, record, fields[15], fields[16])

    def _listed(
        self, number: int, data: bytes, record: Mapping[str, Any], digest: bytes, at: bytes
    ) -> None:
        """What the sweep compares live data with is the digest of what is sealed."""
        if record["previous"] is not None:
            self.part.superseded.add(record["previous"])
        if digest is ABSENT:
            self.part.unlisted.add(number)
            return
        # No text holds an unescaped quote: the last such name is the one behind `bound`.
        if sha256(data[9 : data.rfind(b',"change":')]).digest() != digest:
            self._fault(f"leaf {number}: the digest of its document is not that of what is sealed")
        said = record["recorded_at"], at
        if said not in self._same_instant:
            self._same_instant[said] = _instant(said[0]) == _instant(at.decode())
        if not self._same_instant[said]:
            self._fault(f"leaf {number}: the instant of its archiving is not the sealed one")


def _instant(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text.replace(" ", "T")).timestamp()
    except ValueError:
        return None
