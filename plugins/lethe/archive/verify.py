"""Verify everything from the stored bytes: records, tree, heads, and what stands beside them.

Every leaf is a living record that opens as what the leaf says, a signed statement, or gone by
exactly one such statement. Every tile, root, link and signature is computed again. Heads are
compared with the ledger, with the witness outside the warehouse, and with old mails.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import rfc8785
from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys
from lethe.archive.expired import ended_token
from lethe.archive.heads import Head, is_signed, read_heads
from lethe.archive.old_mails import NOTHING, OldMails, parse_heads
from lethe.archive.tile_hashes import HASH, WIDTH
from lethe.archive.tiles import TiledTree, open_tree
from lethe.archive.verify_beside import verify_clocks, verify_settled
from lethe.archive.verify_heads import (
    compare_heads,
    compare_mails,
    root_of,
    verify_heads,
    verify_told,
)
from lethe.archive.verify_parts import Range
from lethe.archive.verify_processes import verify_ranges
from lethe.errors import TamperingFound
from lethe.evidence.merkle import hash_leaf
from lethe.include import statement

_MOST = 200
_NO_VALUE = (TypeError, ValueError, AttributeError)
_WORTH_PROCESSES = 20_000


@dataclass(slots=True)
class Verification:
    """What a verification found.

    faults     each names the record, leaf, tile or head that is wrong
    unsealed   clocks that were frozen since the last run of the archive
    lost       heads that a restore of the warehouse lost; the witness has its replay on record
    """

    faults: list[str] = field(default_factory=list)
    leaves: int = 0
    records: int = 0
    destroyed: int = 0
    heads: int = 0
    told_heads: int = 0
    unsealed: int = 0
    lost: int = 0
    head: str | None = None

    def require_clean(self) -> None:
        """Refuse an archive with faults.

        Raises  TamperingFound
        """
        if self.faults:
            more = len(self.faults) - 5
            rest = f"; and {more} more" if more > 0 else ""
            raise TamperingFound(f"archive: {'; '.join(self.faults[:5])}{rest}")


class Verifier:
    """A verification of one warehouse, in one snapshot.

    dsn       for further connections, if `processes` is over 1
    """

    def __init__(
        self,
        connection: extensions.connection,
        keys: ArchiveKeys,
        *,
        dsn: str | None = None,
        processes: int = 1,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._dsn = dsn
        self._processes = processes
        self.found = Verification()
        self._gone: dict[int, str] = {}
        self._listed = 0
        self._clocks: set[int] = set()

    def verify(
        self,
        mails: OldMails = NOTHING,
        witnessed: Iterable[str] = (),
        lost: Iterable[str] = (),
    ) -> Verification:
        """Verify everything; the caller's transaction is REPEATABLE READ and stays as it is.

        mails      what old mails tell
        witnessed  heads that the witness outside the warehouse knows
        lost       those of them that a restore lost, which is on record
        """
        heads: list[Head] = []
        with self._named("heads"):
            heads = read_heads(self._connection)
        if any(
            None in (each.head_no, each.tree_size, each.signed_at, each.wrap_key) for each in heads
        ):
            self._fault("heads: a value is missing; nothing can be verified by them")
            return self.found
        size = heads[-1].tree_size if heads else 0
        tree = open_tree(self._connection, size)
        self.found.leaves, self.found.heads = size, len(heads)
        with self._named("tiles"):
            self._tiles(size)
        statements: set[int] = set()
        with self._named("statements of destruction"):
            statements = self._statements(tree, size)
        self._records(heads, size, statements)
        with self._named("what stands beside the records"):
            self._beside(size)
        with self._named("heads"):
            verify_heads(heads, tree, self._keys, self._fault)
        verify_told(self._connection, heads, self._fault)
        gone = frozenset(parse_heads(lost))
        self.found.lost = len(gone)
        who = self._keys.warehouse_id
        compare_heads(heads, parse_heads(witnessed), "the witness", who, self._fault, gone)
        self.found.told_heads = len(mails.heads)
        compare_mails(heads, mails, who, self._fault, gone)
        self.found.head = heads[-1].line(self._keys.warehouse_id) if heads else None
        return self.found

    def verify_since(self, head_no: int) -> Verification:
        """Read back what was appended from a head on; the cost depends on that alone."""
        heads = read_heads(self._connection)
        size = heads[-1].tree_size if heads else 0
        first = heads[head_no - 2].tree_size if 1 < head_no <= len(heads) else 0
        start = first // WIDTH * WIDTH
        rows = self._query("list_destroyed_since", {"first": start})
        self._ranges(heads, start, size, {int(str(row[0])) for row in rows})
        if heads:
            tree = open_tree(self._connection, size)
            if root_of(tree, size) != heads[-1].root:
                self._fault(f"head {len(heads)}: the leaves do not give its root")
            if not heads[-1].is_signed(self._keys.warehouse_id):
                self._fault(f"head {len(heads)}: its signature is wrong")
        return self.found

    @contextmanager
    def _named(self, what: str) -> Iterator[None]:
        """A value that no table would take is a fault, and hides no other."""
        try:
            yield
        except _NO_VALUE:
            self._fault(f"{what}: a value is missing, or is not of its form")

    def _fault(self, text: str) -> None:
        if len(self.found.faults) < _MOST:
            self.found.faults.append(text)

    def _query(
        self, name: str, values: dict[str, object] | None = None
    ) -> list[tuple[object, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement(f"archive/{name}"), values)
            return cursor.fetchall()

    def _tiles(self, size: int) -> None:
        """The tiles are those of a tree of that size, no more and no less."""
        wanted: dict[tuple[int, int], int] = {}
        level, count = 0, size
        while count:
            for place in range(-(-count // WIDTH)):
                wanted[level, place] = min(WIDTH, count - place * WIDTH) * HASH
            level, count = level + 1, count // WIDTH
        for found_level, tile, length in self._query("list_tiles"):
            expected = wanted.pop((int(str(found_level)), int(str(tile))), None)
            if expected is None:
                self._fault(f"tile {found_level}/{tile}: inserted, the tree has no such tile")
            elif expected != length:
                self._fault(f"tile {found_level}/{tile}: holds another number of hashes")
        for absent in wanted:
            self._fault(f"tile {absent[0]}/{absent[1]}: missing")

    def _statements(self, tree: TiledTree, size: int) -> set[int]:
        """The signed statements are leaves, and what they call gone is gone once."""
        places: set[int] = set()
        rows = self._query("list_destroyed")
        for number, gone_no, text, signature in rows:
            leaf_no, gone = int(str(number)), int(str(gone_no))
            data, signed = str(text).encode(), bytes(signature)  # type: ignore[call-overload]
            if leaf_no in places or gone in self._gone:
                self._fault(f"destroyed leaf {gone}: its statement is doubled")
            places.add(leaf_no)
            if leaf_no >= size or not 0 <= gone < leaf_no:
                self._fault(f"destroyed leaf {gone}: its statement {leaf_no} has no place")
                continue
            self._gone[gone] = str(text)
            if _leaf(tree, leaf_no) != hash_leaf(data + signed):
                self._fault(f"leaf {leaf_no}: the statement is not the one that was signed in")
            if not is_signed(self._keys.signer.public_key, signed, data):
                self._fault(f"leaf {leaf_no}: the signature of the statement is wrong")
            if not self._says(data, leaf_no, gone, tree):
                self._fault(f"leaf {leaf_no}: the statement does not name leaf {gone}")
        self.found.destroyed = len(rows)
        return places

    def _says(self, data: bytes, leaf_no: int, gone: int, tree: TiledTree) -> bool:
        try:
            said = _as_json(data)
        except ValueError:
            return False
        return (
            said.get("leaf_no") == leaf_no
            and said.get("gone_no") == gone
            and said.get("gone_leaf") == (_leaf(tree, gone) or b"").hex()
            and said.get("warehouse_id") == str(self._keys.warehouse_id)
        )

    def _records(self, heads: Sequence[Head], size: int, statements: set[int]) -> None:
        self._ranges(heads, 0, size, statements | set(self._gone))

    def _ranges(self, heads: Sequence[Head], first: int, size: int, absent: set[int]) -> None:
        parts = self._processes if size - first >= _WORTH_PROCESSES and self._dsn else 1
        # Tiles are not cut: each part checks whole ones.
        step = -(-(size - first) // parts // WIDTH) * WIDTH or WIDTH
        keys = {str(key): secret for key, secret in self._keys.wraps.items()}
        spans = tuple((str(head.head_no), head.tree_size, str(head.wrap_key)) for head in heads)
        ranges = [
            Range(
                start,
                min(start + step, size),
                frozenset(leaf for leaf in absent if start <= leaf < start + step),
                keys,
                spans,
                self._keys.warehouse_id.bytes,
            )
            for start in range(first, size, step)
        ]
        unlisted: set[int] = set()
        superseded: set[int] = set()
        for part in verify_ranges(self._connection, ranges, self._dsn):
            self.found.records += part.records
            self._listed += part.listed
            self._clocks |= part.clocks
            unlisted |= part.unlisted
            superseded |= part.superseded
            for fault in part.faults:
                self._fault(fault)
        self._versions(unlisted, {leaf for leaf in superseded - absent if leaf >= first})

    def _versions(self, unlisted: set[int], superseded: set[int]) -> None:
        """Of each document the newest version is listed, and no other."""
        odd = unlisted - superseded
        # A correction of date or country may end before the version that it corrects.
        ended = self._query("find_ended", {"leaves": sorted(odd)}) if odd else []
        for number in sorted(odd - {int(str(row[0])) for row in ended}):
            self._fault(f"record {number}: is missing from the list of archived documents")
        for number in sorted(superseded - unlisted):
            self._fault(f"record {number}: is listed, and is not the newest version")

    def _beside(self, size: int) -> None:
        for (number,) in self._query("list_beyond", {"size": size}):
            self._fault(f"record {number}: inserted, no head covers it")
        # Each record looked for itself in the list; what it found is the list, or there is more.
        living = self._query("count_living")[0][0]
        for (number,) in self._query("find_strays") if living != self._listed else []:
            self._fault(f"record {number}: a document is listed under it, and it is not that")
        ends = {leaf for leaf, said in self._gone.items() if '"ends_document":true' in said}
        for leaf, day, token, kind, key, is_timed in self._query("list_ended"):
            number = int(str(-1 if leaf is None else leaf))
            ends.discard(number)
            said = self._gone.get(number, "")
            own = ended_token(self._keys, str(kind), str(key), number, str(day))
            if f'"on":"{day}"' not in said or bytes(token) != own or not is_timed:  # type: ignore[call-overload]
                self._fault(
                    f"document of leaf {number}: called destroyed, and no statement says so"
                )
        for leaf in sorted(ends):
            self._fault(f"document of leaf {leaf}: ended, and missing from the list of documents")
        self.found.unsealed = verify_clocks(self._connection, self._keys, self._clocks, self._fault)
        verify_settled(self._connection, self._keys, self._fault)


def _leaf(tree: TiledTree, number: int) -> bytes | None:
    try:
        return tree.leaf(number)
    except IndexError:
        return None


def _as_json(data: bytes) -> dict[str, object]:
    value = json.loads(data)
    if rfc8785.dumps(value) != data:
        raise ValueError("the bytes are not canonical JSON")
    return value  # type: ignore[no-any-return]
