"""Append to the archive: one transaction grows the tree and signs what it has become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import rfc8785
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from psycopg2 import extensions

from lethe.archive.binary import begin_row, copy_packed, copy_rows, pack_bigint, pack_bytes
from lethe.archive.heads import BEGINNING, Head, Signer, add_head, last_head
from lethe.archive.records import NewRecord
from lethe.archive.tiles import TiledTree, open_tree, store_tiles
from lethe.errors import TamperingFound
from lethe.evidence.canonical import canonical_instant
from lethe.evidence.merkle import hash_leaf
from lethe.include import statement
from lethe.keys import KeyRing, derive
from lethe.keys.record_sealing import Agreement, RecordSealer, agree

_ROW = begin_row(15)


def _lock(connection: extensions.connection) -> Place:
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/lock_archive"))
    head = last_head(connection)
    return Place(head.head_no, head.tree_size) if head else Place(0, 0)


@dataclass(frozen=True, slots=True)
class ArchiveKeys:
    """The keys of a run, read from the ring once.

    wraps    secrets by the id of their key: records of every year can be opened
    current  the key that new records are wrapped under
    tokens   key of content tokens
    """

    warehouse_id: UUID
    wraps: dict[UUID, bytes]
    current: UUID
    tokens: bytes
    signer: Signer
    recovery: X25519PublicKey | None = None

    def sealer(self, key_id: UUID, recovery: Agreement | None = None) -> RecordSealer:
        """The sealer of a key."""
        secret = self.wraps.get(key_id)
        if secret is None:
            raise TamperingFound(f"the archive names a key of the ring that is not there: {key_id}")
        return RecordSealer(secret, self.warehouse_id.bytes, recovery)


def read_keys(
    ring: KeyRing, *, year: str | None = None, recovery: X25519PublicKey | None = None
) -> ArchiveKeys:
    """Read the keys of the archive; with a year, make those that are missing.

    The caller commits before anything is sealed with a key that was made.
    """
    if year is not None:
        ring.create("archive", year)
    wraps, current = {}, None
    for record in ring.list():
        if record.purpose == "archive" and record.wrapped is not None:
            wraps[record.key_id] = ring.secret("archive", record.period)
            if current is None or record.period == year:
                current = record.key_id
    tokens = derive(ring.secret("archive_sign", "1", create=year is not None), "archive/token")
    signer = Signer.of(ring, create=year is not None)
    if current is None:
        raise TamperingFound("the key ring has no key of the archive")
    return ArchiveKeys(ring.warehouse_id, wraps, current, tokens, signer, recovery)


class Place(NamedTuple):
    """Where an append begins: the head before it, and the leaves that are there."""

    head_no: int
    size: int


class Append:
    """One append: records and statements, then `finish`, in the transaction of a connection.

    place  where it will begin, if it is sealed before its transaction: then `enter`, and `add` only
           what needs nothing of the archive
    """

    def __init__(self, keys: ArchiveKeys, place: Place) -> None:
        self._keys = keys
        self._agreement = agree(keys.recovery) if keys.recovery is not None else None
        self._sealer = keys.sealer(keys.current, self._agreement)
        self._leaves: list[bytes] = []
        self._rows: list[bytes] = []
        self.place = place
        self.head_no = place.head_no + 1
        self._head_text = b"\x00%d" % self.head_no
        self._head_packed = pack_bigint(self.head_no)
        self.at = datetime.now(UTC)
        self.recorded_at = canonical_instant(self.at)

    @classmethod
    def begin(cls, connection: extensions.connection, keys: ArchiveKeys) -> Append:
        """Begin where the archive is now; others wait here until the transaction ends."""
        append = cls(keys, _lock(connection))
        append._attach(connection)
        return append

    def enter(self, connection: extensions.connection) -> bool:
        """Lock the archive; whether it is where this append was sealed to begin."""
        if _lock(connection) != self.place:
            return False
        self._attach(connection)
        return True

    def _attach(self, connection: extensions.connection) -> None:
        self._connection = connection
        self._before = last_head(connection)
        self._tree: TiledTree = open_tree(connection, self.place.size)

    @property
    def end(self) -> Place:
        """Where the next append begins."""
        return Place(self.head_no, self.next_no)

    @property
    def next_no(self) -> int:
        """The leaf that comes next."""
        return self.place.size + len(self._leaves)

    def leaf(self, number: int) -> bytes:
        """A leaf, stored or of this append."""
        stored = self.place.size
        return self._leaves[number - stored] if number >= stored else self._tree.leaf(number)

    def add(self, new: NewRecord) -> int:
        """Seal a record; gives the number of its leaf."""
        number = self.next_no
        self._rows.append(self.seal(new))
        return number

    def add_all(self, records: Iterator[NewRecord]) -> None:
        """Seal records and send them while they are sealed.

        records  may ask for `next_no` and `leaf` of this append, and nothing of the connection
        """
        copy_rows(self._connection, "archive/copy_records", map(self.seal, records))

    def add_rows(self, rows: Sequence[bytes]) -> None:
        """Send records that `seal` made."""
        copy_packed(self._connection, "archive/copy_records", rows)

    def seal(self, new: NewRecord) -> bytes:
        """Seal a record, as COPY takes it."""
        number = self.next_no
        leaf, sealed, wrapped, recovery = self._sealer.seal(
            number, new.record, new.texts + self._head_text
        )
        self._leaves.append(leaf)
        return b"".join(
            (
                _ROW,
                pack_bigint(number),
                new.packed,
                self._head_packed,
                pack_bytes(sealed),
                pack_bytes(wrapped),
                pack_bytes(recovery),
            )
        )

    def add_statement(self, gone_no: int, day: str, clause: str, *, ends: bool = False) -> int:
        """Add the signed leaf that says which leaf was lawfully destroyed.

        ends  it was the last version of a document
        """
        number = self.next_no
        text = rfc8785.dumps(
            {
                "clause": clause,
                "ends_document": ends,
                "format": "lethe-archive-destroyed/1",
                "gone_leaf": self.leaf(gone_no).hex(),
                "gone_no": gone_no,
                "leaf_no": number,
                "on": day,
                "warehouse_id": str(self._keys.warehouse_id),
            }
        )
        signature = self._keys.signer.sign(text)
        self._leaves.append(hash_leaf(text + signature))
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("archive/add_destroyed"),
                {
                    "leaf_no": number,
                    "gone_no": gone_no,
                    "statement": text.decode(),
                    "signature": signature,
                },
            )
        return number

    def finish(self) -> Head:
        """Write records, tiles and the signed head; the caller commits."""
        if not self._leaves:
            raise ValueError("an append without a leaf would sign nothing")
        if self._rows:
            self.add_rows(self._rows)
        self._tree.append(self._leaves)
        store_tiles(self._connection, self._tree.changed())
        head = self._sign()
        add_head(self._connection, head)
        return head

    def _sign(self) -> Head:
        keys, before, agreement = self._keys, self._before, self._agreement
        unsigned = Head(
            self.head_no,
            self._tree.size,
            self._tree.root(),
            before.hash(keys.warehouse_id) if before else BEGINNING,
            self.at,
            keys.current,
            agreement.recovery_id if agreement else None,
            agreement.ephemeral if agreement else None,
            keys.signer.public_key,
            b"",
        )
        values = {name: getattr(unsigned, name) for name in Head.__slots__}
        signature = keys.signer.sign(unsigned.message(keys.warehouse_id))
        return Head(**(values | {"signature": signature}))
