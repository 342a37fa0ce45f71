"""Append to the archive: one transaction grows the tree and signs what it has become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import rfc8785
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from psycopg2 import extensions

from lethe.archive.binary import (
    NULL,
    begin_row,
    copy_rows,
    pack_bigint,
    pack_bytes,
    pack_day,
    pack_json_texts,
)
from lethe.archive.heads import BEGINNING, Head, Signer, add_head, last_head
from lethe.archive.records import NewRecord
from lethe.archive.sealing import Agreement, RecordSealer, agree, join_columns
from lethe.archive.tiles import TiledTree, open_tree, store_tiles
from lethe.errors import TamperingFound
from lethe.evidence.canonical import canonical_instant
from lethe.evidence.merkle import hash_leaf
from lethe.include import statement
from lethe.keys import KeyRing, derive

_ROW = begin_row(15)


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


class Append:
    """One append, in the caller's transaction: records and statements, then `finish`.

    Others wait at `begin` until the transaction ends.
    """

    def __init__(self, connection: extensions.connection, keys: ArchiveKeys) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement("archive/lock_archive"))
        self._connection = connection
        self._keys = keys
        self._before = last_head(connection)
        self._tree: TiledTree = open_tree(connection, self._before.tree_size if self._before else 0)
        self._agreement = agree(keys.recovery) if keys.recovery is not None else None
        self._sealer = keys.sealer(keys.current, self._agreement)
        self._leaves: list[bytes] = []
        self._rows: list[bytes] = []
        self.head_no = self._before.head_no + 1 if self._before else 1
        self._head_text = str(self.head_no).encode()
        self._head_packed = pack_bigint(self.head_no)
        self.at = datetime.now(UTC)
        self.recorded_at = canonical_instant(self.at)

    @property
    def next_no(self) -> int:
        """The leaf that comes next."""
        return self._tree.size + len(self._leaves)

    def leaf(self, number: int) -> bytes:
        """A leaf, stored or of this append."""
        stored = self._tree.size
        return self._leaves[number - stored] if number >= stored else self._tree.leaf(number)

    def add(self, new: NewRecord) -> int:
        """Seal a record; gives the number of its leaf."""
        number = self.next_no
        self._rows.append(self._seal(new))
        return number

    def add_all(self, records: Iterator[NewRecord]) -> None:
        """Seal records and send them while they are sealed.

        records  may ask for `next_no` and `leaf` of this append, and nothing of the connection
        """
        self._send(map(self._seal, records))

    def _send(self, rows: Iterator[bytes]) -> None:
        copy_rows(self._connection, "archive/copy_records", rows)

    def _seal(self, new: NewRecord) -> bytes:
        number = self.next_no
        columns = new.columns(self._head_text)
        leaf, sealed, wrapped, recovery = self._sealer.seal(
            number, new.record, join_columns(columns)
        )
        self._leaves.append(leaf)
        kind, document_type, _, title, _, country, _, subject_kind, *_ = columns
        return b"".join(
            (
                _ROW,
                pack_bigint(number),
                pack_bytes(kind),
                pack_bytes(document_type),
                NULL if new.document_json is None else pack_json_texts(new.document_json),
                pack_bytes(title),
                pack_day(new.issued_on),
                pack_bytes(country),
                pack_bigint(new.party_no),
                pack_bytes(subject_kind),
                pack_json_texts(new.subject_json),
                pack_bytes(new.content_token),
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
            self._send(iter(self._rows))
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
