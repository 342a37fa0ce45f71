"""Signed heads: what the tree was at each append, in a form that fits into a mail."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from psycopg2 import extensions

from lethe.evidence.canonical import canonical_instant
from lethe.evidence.merkle import hash_leaf
from lethe.include import statement
from lethe.keys import KeyRing, derive

BEGINNING = bytes(32)
_PURPOSE, _PERIOD = "archive_sign", "1"


@dataclass(frozen=True, slots=True)
class Head:
    """The tree at one append.

    wrap_key     key of the ring under which the records of this append are wrapped
    recovery_id  offline key for which they are wrapped once more; None if there was none
    """

    head_no: int
    tree_size: int
    root: bytes
    previous_hash: bytes
    signed_at: datetime
    wrap_key: UUID
    recovery_id: bytes | None
    ephemeral: bytes | None
    public_key: bytes
    signature: bytes

    def message(self, warehouse_id: UUID) -> bytes:
        """What is signed: every field but the signature, as canonical JSON."""
        return rfc8785.dumps(self.document(warehouse_id))

    def document(self, warehouse_id: UUID) -> dict[str, Any]:
        """The signed fields."""
        return {
            "format": "lethe-archive-head/1",
            "warehouse_id": str(warehouse_id),
            "head_no": self.head_no,
            "tree_size": self.tree_size,
            "root": self.root.hex(),
            "previous_hash": self.previous_hash.hex(),
            "signed_at": canonical_instant(self.signed_at),
            "wrap_key": str(self.wrap_key),
            "recovery_id": self.recovery_id.hex() if self.recovery_id else None,
            "ephemeral": self.ephemeral.hex() if self.ephemeral else None,
            "public_key": self.public_key.hex(),
        }

    def hash(self, warehouse_id: UUID) -> bytes:
        """What the next head is chained to."""
        return hash_leaf(self.message(warehouse_id) + self.signature)

    def is_signed(self, warehouse_id: UUID) -> bool:
        """The signature is by its public key; whose key that is must be asked elsewhere."""
        return is_signed(self.public_key, self.signature, self.message(warehouse_id))

    def line(self, warehouse_id: UUID) -> str:
        """The head as a line of a mail."""
        return (
            f"lethe-archive-head 1 {warehouse_id} {self.head_no} {self.tree_size} "
            f"{self.root.hex()} {canonical_instant(self.signed_at)} "
            f"{base64.b64encode(self.signature).decode()}"
        )


@dataclass(frozen=True, slots=True)
class ToldHead:
    """A head as an old mail tells it."""

    warehouse_id: UUID
    head_no: int
    tree_size: int
    root: bytes
    signature: bytes


class Signer:
    """Signs heads and statements with the Ed25519 key of the ring."""

    __slots__ = ("_key", "public_key")

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(derive(secret, "archive/sign"))
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @classmethod
    def of(cls, ring: KeyRing, *, create: bool = False) -> Signer:
        """The signer of a warehouse."""
        return cls(ring.secret(_PURPOSE, _PERIOD, create=create))

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        return self._key.sign(message)


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Check an Ed25519 signature."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_heads(connection: extensions.connection) -> list[Head]:
    """Read every head, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/list_heads"))
        return [as_head(row) for row in cursor.fetchall()]


def last_head(connection: extensions.connection) -> Head | None:
    """Read the newest head."""
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/read_last_head"))
        row = cursor.fetchone()
    return None if row is None else as_head(row)


def add_head(connection: extensions.connection, head: Head) -> None:
    """Write a head; the caller commits."""
    values = {name: getattr(head, name) for name in Head.__slots__}
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/add_head"), values | {"wrap_key": str(head.wrap_key)})


def as_head(row: tuple[Any, ...]) -> Head:
    """Read a head out of its row."""
    number, size, root, previous, at, wrap_key, recovery, ephemeral, public, signature = row
    return Head(
        number,
        size,
        bytes(root),
        bytes(previous),
        at,
        UUID(str(wrap_key)),
        None if recovery is None else bytes(recovery),
        None if ephemeral is None else bytes(ephemeral),
        bytes(public),
        bytes(signature),
    )
