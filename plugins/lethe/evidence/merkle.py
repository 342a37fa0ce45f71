"""The Merkle tree of RFC 9162 (as RFC 6962): roots, inclusion and consistency proofs.

A verifier never raises on a bad proof; it answers False. Subtrees are those of the Merkle tree
certificates draft: leaves [start, end) where start is a multiple of the next power of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def hash_leaf(data: bytes) -> bytes:
    """Hash the data of a leaf."""
    return sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Hash two nodes into the one above them."""
    return sha256(b"\x01" + left + right).digest()


class GrowingTree:
    """The root of a tree that leaves are added to, in memory of its height only."""

    __slots__ = ("_peaks", "size")

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._peaks: list[bytes] = []
        self.size = 0
        for leaf in leaves:
            self.add(leaf)

    def add(self, leaf: bytes) -> None:
        """Add a leaf, already hashed."""
        self.size += 1
        node, height = leaf, self.size
        while height & 1 == 0:
            node = hash_node(self._peaks.pop(), node)
            height >>= 1
        self._peaks.append(node)

    def root(self) -> bytes:
        """Compute the root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = hash_node(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Compute the root over hashed leaves."""
    return GrowingTree(leaves).root()


def prove_inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Prove that the leaf at `index` is in the tree over `leaves` (hashed), bottom up."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*prove_inclusion(leaves[:split], index), root_of(leaves[split:])]
    return [*prove_inclusion(leaves[split:], index - split), root_of(leaves[:split])]


def prove_consistency(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Prove that the tree over the first `old_size` leaves is a beginning of that over all."""
    if not 0 < old_size <= len(leaves):
        raise IndexError(f"a tree of {len(leaves)} has no beginning of {old_size}")
    return _subproof(leaves, old_size, whole=True)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Check that `leaf` stands at `index` of a tree of `size` leaves with that root."""
    if not 0 <= index < size or len(leaf) != 32:
        return False
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            result = hash_node(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = hash_node(result, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and result == root


def verify_consistency(
    old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Check that the tree of `old_size` leaves is a beginning of that of `size`.

    Of the empty tree nothing can be proved: the answer is False.
    """
    return old_size > 0 and verify_subtree_consistency(0, old_size, size, old_root, root, proof)


def verify_subtree_inclusion(
    leaf: bytes, index: int, start: int, end: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Check that `leaf` stands at `index` of the subtree [start, end) with that root."""
    return (
        start < end
        and _is_subtree(start, end)
        and verify_inclusion(leaf, index - start, end - start, proof, root)
    )


def verify_subtree_consistency(
    start: int, end: int, size: int, subtree_root: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Check that the subtree [start, end) is part of the tree of `size` leaves."""
    if not _is_subtree(start, end) or end > size:
        return False
    if start == end:
        return not proof and subtree_root == EMPTY_ROOT
    first, node, last = start, end - 1, size - 1
    while first != node and (node == last or node & 1):
        first, node, last = first >> 1, node >> 1, last >> 1
    rest = list(proof)
    if first == node:
        seed = subtree_root
    elif rest:
        seed = rest.pop(0)
    else:
        return False
    return _climb(first, node, last, seed, rest) == (subtree_root, root)


def _climb(
    first: int, node: int, last: int, seed: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    below = above = seed
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            if first < node:
                below = hash_node(sibling, below)
            above = hash_node(sibling, above)
            while not node & 1 and node:
                first, node, last = first >> 1, node >> 1, last >> 1
        else:
            above = hash_node(above, sibling)
        first, node, last = first >> 1, node >> 1, last >> 1
    return (below, above) if last == 0 else None


def _subproof(leaves: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = _split(len(leaves))
    if old_size <= split:
        return [*_subproof(leaves[:split], old_size, whole=whole), root_of(leaves[split:])]
    return [
        *_subproof(leaves[split:], old_size - split, whole=False),
        root_of(leaves[:split]),
    ]


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _is_subtree(start: int, end: int) -> bool:
    if not 0 <= start <= end:
        return False
    width = end - start
    return width == 0 or start & (1 << (width - 1).bit_length()) - 1 == 0
