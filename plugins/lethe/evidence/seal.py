"""Seal the ledger after commit: numbered Merkle roots, each chained to the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg2
import rfc8785
from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.evidence.canonical import LedgerTuple, canonical_instant, canonical_row
from lethe.evidence.home import transaction_here
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.ledger import Json
from lethe.evidence.merkle import GrowingTree, hash_leaf
from lethe.evidence.witness import BEGINNING, Witness
from lethe.include import statement

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Seal:
    """A numbered Merkle root over committed ledger rows, chained to the seal before it.

    seal_hash  SHA-256 leaf hash of the canonical JSON of all other fields and the warehouse id
    """

    seal_no: int
    leaf_count: int
    first_id: int
    last_id: int
    merkle_root: bytes
    previous_hash: bytes
    seal_hash: bytes
    sealed_at: datetime


def seal_ledger(connection: extensions.connection, witness: Witness | None = None) -> Seal | None:
    """Seal every committed batch that no seal covers, and commit; None if there is none.

    Begins a transaction of its own: what the caller did not commit is rolled back.

    One sealer works at a time. Batches, not ranges of ids, are sealed: a transaction that commits
    late with low ids is found by the next seal.
    """
    connection.rollback()
    acting_as(connection, "runner")
    warehouse_id = read_warehouse(connection).warehouse_id
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/lock_sealer"))
        cursor.execute(statement("evidence/list_unsealed_batches"))
        batches = [row[0] for row in cursor.fetchall()]
    if not batches:
        connection.rollback()
        return None
    seal = _seal_over(connection, warehouse_id, batches)
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/add_seal"), _values(seal))
        cursor.execute(
            statement("evidence/add_sealings"), {"seal_no": seal.seal_no, "batches": batches}
        )
        cursor.execute(statement("evidence/lock_batches_shared"))
    promised = None
    if witness is not None:
        body: dict[str, Json] = {
            "seal_no": seal.seal_no,
            "seal_hash": seal.seal_hash.hex(),
            "transaction": transaction_here(connection),
        }
        promised = witness.append("seal", body)
    try:
        connection.commit()
    except psycopg2.Error:
        if witness is not None:
            witness.renew_writer()
        raise
    if witness is not None and promised is not None:
        witness.confirm(promised)
    return seal


def last_seal(connection: extensions.connection) -> Seal | None:
    """Read the newest seal."""
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/read_last_seal"))
        row = cursor.fetchone()
    return None if row is None else as_seal(row)


def hash_row(row: LedgerTuple) -> bytes:
    """Hash a ledger row into its leaf."""
    return hash_leaf(canonical_row(row))


def hash_seal(seal: Seal, warehouse_id: UUID) -> bytes:
    """Hash a seal with everything that it says."""
    return hash_leaf(
        rfc8785.dumps(
            {
                "warehouse_id": str(warehouse_id),
                "seal_no": seal.seal_no,
                "leaf_count": seal.leaf_count,
                "first_id": seal.first_id,
                "last_id": seal.last_id,
                "merkle_root": seal.merkle_root.hex(),
                "previous_hash": seal.previous_hash.hex(),
                "sealed_at": canonical_instant(seal.sealed_at),
            }
        )
    )


def read_in_pages(
    connection: extensions.connection, name: str, values: dict[str, Any] | None = None
) -> Iterator[Any]:
    """Read the rows of a statement without holding them all."""
    with connection.cursor(f"lethe_{name.rpartition('/')[2]}") as cursor:
        cursor.itersize = _PAGE
        cursor.execute(statement(name), values)
        yield from cursor


def as_seal(row: tuple[Any, ...]) -> Seal:
    """Read a seal out of its row."""
    number, leaves, first, last, root, previous, digest, at = row
    return Seal(number, leaves, first, last, bytes(root), bytes(previous), bytes(digest), at)


def _seal_over(connection: extensions.connection, warehouse_id: UUID, batches: list[str]) -> Seal:
    before = last_seal(connection)
    tree, first, last = GrowingTree(), 0, 0
    for row in read_in_pages(connection, "evidence/read_rows_of_batches", {"batches": batches}):
        first, last = first or row[0], row[0]
        tree.add(hash_row(row))
    unsigned = Seal(
        seal_no=before.seal_no + 1 if before else 1,
        leaf_count=tree.size,
        first_id=first,
        last_id=last,
        merkle_root=tree.root(),
        previous_hash=before.seal_hash if before else BEGINNING,
        seal_hash=b"",
        sealed_at=datetime.now(UTC),
    )
    values = _values(unsigned) | {"seal_hash": hash_seal(unsigned, warehouse_id)}
    return Seal(**values)


def _values(seal: Seal) -> dict[str, Any]:
    return {name: getattr(seal, name) for name in Seal.__slots__}
