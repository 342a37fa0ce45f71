"""Read living records and open them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys
from lethe.archive.records import read_record
from lethe.archive.tiles import open_tree
from lethe.errors import TamperingFound
from lethe.include import statement
from lethe.keys.record_sealing import RecordSealer, join_columns


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that was opened and found true to its leaf."""

    leaf_no: int
    salt: bytes
    data: bytes
    record: dict[str, Any]


def read_records(
    connection: extensions.connection, keys: ArchiveKeys, *, leaves: Sequence[int]
) -> Iterator[Opened]:
    """Open records by the numbers of their leaves.

    Raises  TamperingFound if one does not open, or is not what its leaf says
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/read_records"), {"leaves": list(leaves)})
        rows = cursor.fetchall()
        cursor.execute(statement("archive/read_size"))
        (size,) = cursor.fetchone() or (0,)
    tree = open_tree(connection, size)
    sealers: dict[UUID, RecordSealer] = {}
    for number, wrap_key, sealed, wrapped, recovery, *columns in rows:
        key_id = UUID(str(wrap_key))
        if key_id not in sealers:
            sealers[key_id] = keys.sealer(key_id)
        recovered = None if recovery is None else bytes(recovery)
        texts = join_columns([None if each is None else str(each).encode() for each in columns])
        try:
            salt, data = sealers[key_id].open(
                number, tree.leaf(number), bytes(sealed), bytes(wrapped), recovered, texts
            )
            yield Opened(number, salt, data, read_record(data))
        except (InvalidTag, IndexError, ValueError):
            raise TamperingFound(
                f"archive: record {number} does not open as what its leaf says; run "
                "`lethe archive verify`"
            ) from None
