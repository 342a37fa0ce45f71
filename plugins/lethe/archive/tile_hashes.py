"""The hashes of one tile; without the rest of Lethe, for a process that does nothing else."""

from __future__ import annotations

from hashlib import sha256

WIDTH = 256
HASH = 32


def perfect_root(hashes: bytes) -> bytes:
    """The root over hashes, one after another, whose number is a power of two."""
    while len(hashes) > HASH:
        hashes = b"".join(
            [
                sha256(b"\x01" + hashes[at : at + 2 * HASH]).digest()
                for at in range(0, len(hashes), 2 * HASH)
            ]
        )
    return hashes
