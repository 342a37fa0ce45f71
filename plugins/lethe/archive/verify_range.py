"""Verify a range of leaves: its living records, and its tiles against those above them."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2 import extensions, sql

from lethe.archive.tile_hashes import HASH, WIDTH, perfect_root
from lethe.archive.verify_rows import Part, Range, RowReader
from lethe.include import statement


def verify_range(connection: extensions.connection, asked: Range) -> Part:
    """Verify the living records and the tiles of a range."""
    leaves = _read_leaves(connection, asked)
    reader = RowReader(asked, leaves)
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
                    part.fault(f"tile {level}/{tile}: is not what the level above says")
        level, below, first, last = level + 1, above, above_first, above_last
