"""The tree in tiles: what an append or a proof costs depends on the height, not on the size.

A tile holds 256 hashes. Level 0 holds the leaves; a hash of level n+1 is the root of a full tile of
level n. An append rewrites the last tile of a level at most; a proof reads a few tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psycopg2 import extensions

from lethe.archive.tile_hashes import HASH, WIDTH, perfect_root
from lethe.evidence.merkle import EMPTY_ROOT, hash_node
from lethe.include import statement

_BITS = 8

ReadTile = Callable[[int, int], bytes]
"""(level, tile) → its hashes, one after another."""


class TiledTree:
    """A tree of a given size over stored tiles: roots, proofs, and its growth.

    read  gives a stored tile; tiles are read once
    """

    def __init__(self, read: ReadTile, size: int) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._changed: dict[tuple[int, int], None] = {}

    def append(self, leaves: Sequence[bytes]) -> None:
        """Add leaves, already hashed."""
        self._extend(0, self.size, leaves)
        self.size += len(leaves)

    def changed(self) -> list[tuple[int, int, bytes]]:
        """The tiles that the appends made or changed."""
        return [(*at, self._tiles[at]) for at in self._changed]

    def root(self) -> bytes:
        """The root over all leaves."""
        return self.range_root(0, self.size)

    def range_root(self, start: int, end: int) -> bytes:
        """The root over the leaves [start, end) of a subtree."""
        if end == start:
            return EMPTY_ROOT
        width = end - start
        if width & (width - 1) == 0:
            return self._node(width.bit_length() - 1, start // width)
        split = 1 << (width - 1).bit_length() - 1
        middle = start + split
        return hash_node(self.range_root(start, middle), self.range_root(middle, end))

    def prove_inclusion(self, leaf: int, size: int | None = None) -> list[bytes]:
        """Prove that a leaf is in the tree of `size` leaves, bottom up."""
        end = self.size if size is None else size
        if not 0 <= leaf < end <= self.size:
            raise IndexError(f"no leaf {leaf} in a tree of {end}")
        start, proof = 0, []
        while end - start > 1:
            middle = start + (1 << (end - start - 1).bit_length() - 1)
            if leaf < middle:
                proof.append(self.range_root(middle, end))
                end = middle
            else:
                proof.append(self.range_root(start, middle))
                start = middle
        return proof[::-1]

    def prove_consistency(self, old_size: int, size: int | None = None) -> list[bytes]:
        """Prove that the tree of `old_size` leaves is a beginning of that of `size`."""
        end = self.size if size is None else size
        if not 0 < old_size <= end <= self.size:
            raise IndexError(f"a tree of {end} has no beginning of {old_size}")
        start, whole, proof = 0, True, []
        while old_size != end:
            middle = start + (1 << (end - start - 1).bit_length() - 1)
            if old_size <= middle:
                proof.append(self.range_root(middle, end))
                end = middle
            else:
                proof.append(self.range_root(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self.range_root(start, end))
        return proof[::-1]

    def leaf(self, number: int) -> bytes:
        """A leaf."""
        tile, at = divmod(number, WIDTH)
        found = self._tile(0, tile)[at * HASH : (at + 1) * HASH]
        if number >= self.size or len(found) < HASH:
            raise IndexError(f"the tree has no leaf {number}")
        return found

    def _node(self, height: int, index: int) -> bytes:
        level, above = divmod(height, _BITS)
        first = index << above
        tile, at = divmod(first, WIDTH)
        width = 1 << above
        if at + width <= WIDTH and above < _BITS:
            hashes = self._tile(level, tile)[at * HASH : (at + width) * HASH]
            if len(hashes) == width * HASH:
                return perfect_root(hashes)
        raise IndexError(f"the tree has no node {index} at height {height}")

    def _tile(self, level: int, tile: int) -> bytes:
        found = self._tiles.get((level, tile))
        if found is None:
            found = self._tiles[level, tile] = self._read(level, tile)
        return found

    def _extend(self, level: int, first: int, nodes: Sequence[bytes]) -> None:
        tile, at = divmod(first, WIDTH)
        hashes = (self._tile(level, tile)[: at * HASH] if at else b"") + b"".join(nodes)
        whole = []
        for number, start in enumerate(range(0, len(hashes), WIDTH * HASH), start=tile):
            grown = hashes[start : start + WIDTH * HASH]
            self._tiles[level, number] = grown
            self._changed[level, number] = None
            if len(grown) == WIDTH * HASH:
                whole.append(perfect_root(grown))
        if whole:
            self._extend(level + 1, tile, whole)


def open_tree(connection: extensions.connection, size: int) -> TiledTree:
    """The stored tree at a size."""

    def read(level: int, tile: int) -> bytes:
        with connection.cursor() as cursor:
            cursor.execute(statement("archive/read_tile"), {"level": level, "tile_no": tile})
            row = cursor.fetchone()
        return b"" if row is None else bytes(row[0] or b"")

    return TiledTree(read, size)


def store_tiles(connection: extensions.connection, tiles: Sequence[tuple[int, int, bytes]]) -> None:
    """Write tiles that grew; the caller commits."""
    levels, numbers, hashes = zip(*tiles, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            statement("archive/write_tiles"),
            {"levels": list(levels), "tiles": list(numbers), "hashes": list(hashes)},
        )
