"""Verify a range of leaves: its living records, and its tiles against those above them."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2 import extensions, sql

from lethe.archive.tile_hashes import HASH, WIDTH, perfect_root
from lethe.archive.verify_parts import Part, Range
from lethe.archive.verify_rows import RowReader
from lethe.include import statement

_MUCH = 20
"""A part of so many is much: the whole list of documents is read for it."""


def verify_range(connection: extensions.connection, asked: Range) -> Part:
    """Verify the living records and the tiles of a range."""
    leaves = _read_leaves(connection, asked)
    reader = RowReader(asked, leaves)
    size = asked.spans[-1][1] if asked.spans else 0
    copy = (
        "archive/copy_much" if (asked.end - asked.start) * _MUCH >= size else "archive/copy_range"
    )
    part = {"first": sql.Literal(asked.start), "last": sql.Literal(asked.end)}
    with connection.cursor() as cursor:
        cursor.execute(statement("erasure/set_planning"))
        cursor.copy_expert(statement(copy, **part), reader)
    reader.close()
    _verify_tiles(connection, asked, leaves, reader.part)
    return reader.part


def _read_leaves(connection: extensions.connection, asked: Range) -> dict[int, bytes]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement("archive/read_tiles"),
            {"level": 0, "first": asked.start // WIDTH, "last": -(-asked.end // WIDTH)},
        )
        return {int(tile): bytes(hashes or b"") for tile, hashes in cursor.fetchall()}


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
            above = {int(tile): bytes(hashes or b"") for tile, hashes in cursor.fetchall()}
        for tile, hashes in below.items():
            if len(hashes) == WIDTH * HASH:
                place, at = divmod(tile, WIDTH)
                stored = above.get(place, b"")[at * HASH : (at + 1) * HASH]
                if stored != perfect_root(hashes):
                    part.fault(f"tile {level}/{tile}: is not what the level above says")
        level, below, first, last = level + 1, above, above_first, above_last
