"""Seal records: a leaf, and a ciphertext under a data key of its own that is bound to it.

    leaf       SHA-256(0x00 ‖ HMAC-SHA-256(salt, canonical record))
    sealed     nonce ‖ AES-256-GCM(data key, salt ‖ canonical record), bound to leaf and columns
    wrapped    nonce ‖ AES-256-GCM(key of the ring, data key), bound to the leaf
    recovery   the same under a key agreed with the offline X25519 recovery key

Salt and data key are random and of this record only: where they are gone, leaf and ciphertext say
nothing, even to whoever guesses every value of the record.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lethe.keys import derive

SALT = KEY = 32
NONCE = 12
_ABSENT = b"\xff"
_WRAP = b"lethe/archive/wrap/1"
_SEAL = b"lethe/archive/seal/1"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as it is stored, with its leaf."""

    leaf: bytes
    sealed: bytes
    wrapped: bytes
    recovery: bytes | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """A recovery key as one append uses it: recipient, our half in the open, the agreed secret."""

    recovery_id: bytes
    ephemeral: bytes
    secret: bytes


class RecordSealer:
    """Seals and opens the records of one append.

    secret     of the ring
    recovery   agreed with the offline key; None while there is none, or to open only
    """

    __slots__ = ("_recover", "_warehouse", "_wrap")

    def __init__(self, secret: bytes, warehouse: bytes, recovery: Agreement | None = None) -> None:
        self._wrap = AESGCM(derive(secret, "archive/wrap"))
        self._recover = AESGCM(recovery.secret) if recovery else None
        self._warehouse = warehouse

    def seal(self, leaf_no: int, record: bytes, columns: Sequence[bytes | None]) -> Sealed:
        """Seal a canonical record.

        columns  what stands beside it in the clear, in their order
        """
        drawn = os.urandom(SALT + KEY + 3 * NONCE)
        salt, data_key = drawn[:32], drawn[32:64]
        leaf = make_leaf(salt, record)
        bound = b"%s%s%d\x00%s" % (_WRAP, self._warehouse, leaf_no, leaf)
        nonce = drawn[64:76]
        wrapped = nonce + self._wrap.encrypt(nonce, data_key, bound)
        recovery = None
        if self._recover is not None:
            nonce = drawn[76:88]
            recovery = nonce + self._recover.encrypt(nonce, data_key, bound)
        nonce = drawn[88:]
        about = associate(self._warehouse, leaf_no, leaf, columns, recovery)
        sealed = nonce + AESGCM(data_key).encrypt(nonce, salt + record, about)
        return Sealed(leaf, sealed, wrapped, recovery)

    def open(
        self, leaf_no: int, leaf: bytes, stored: Sealed, columns: Sequence[bytes | None]
    ) -> tuple[bytes, bytes]:
        """Open a record: its salt and its canonical bytes.

        Raises  InvalidTag if any byte of it, of its columns or of its leaf is another one
        """
        bound = b"%s%s%d\x00%s" % (_WRAP, self._warehouse, leaf_no, leaf)
        wrapped = stored.wrapped
        data_key = self._wrap.decrypt(wrapped[:NONCE], wrapped[NONCE:], bound)
        return open_with(data_key, self._warehouse, leaf_no, leaf, stored, columns)


def open_with(
    data_key: bytes,
    warehouse: bytes,
    leaf_no: int,
    leaf: bytes,
    stored: Sealed,
    columns: Sequence[bytes | None],
) -> tuple[bytes, bytes]:
    """Open a record whose data key is known."""
    about = associate(warehouse, leaf_no, leaf, columns, stored.recovery)
    plain = AESGCM(data_key).decrypt(stored.sealed[:NONCE], stored.sealed[NONCE:], about)
    salt, record = plain[:SALT], plain[SALT:]
    if make_leaf(salt, record) != leaf:
        raise InvalidTag
    return salt, record


def recover_data_key(
    private: X25519PrivateKey,
    ephemeral: bytes,
    warehouse: bytes,
    leaf_no: int,
    leaf: bytes,
    recovery: bytes,
) -> bytes:
    """Unwrap a data key with the offline private key, without the key ring."""
    agreed = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    bound = b"%s%s%d\x00%s" % (_WRAP, warehouse, leaf_no, leaf)
    key = AESGCM(_agreed_key(agreed, ephemeral, public))
    return key.decrypt(recovery[:NONCE], recovery[NONCE:], bound)


def agree(public: X25519PublicKey) -> Agreement:
    """Agree on a key with the offline recovery key, for one append."""
    own = X25519PrivateKey.generate()
    ephemeral = own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Agreement(
        recovery_id(public), ephemeral, _agreed_key(own.exchange(public), ephemeral, raw)
    )


def recovery_id(public: X25519PublicKey) -> bytes:
    """Name a recovery key: SHA-256 of its public half."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).digest()


def make_leaf(salt: bytes, record: bytes) -> bytes:
    """Hash a salted record into its leaf."""
    return hashlib.sha256(b"\x00" + hmac.digest(salt, record, "sha256")).digest()


def associate(
    warehouse: bytes,
    leaf_no: int,
    leaf: bytes,
    columns: Sequence[bytes | None],
    recovery: bytes | None,
) -> bytes:
    """Write what a ciphertext is bound to.

    No text of PostgreSQL holds a zero byte, and none is the byte 0xff: the columns cannot be
    shifted against each other. What may hold any byte stands in front, at a fixed length.
    """
    texts = b"\x00".join([_ABSENT if column is None else column for column in columns])
    other = recovery or b""
    head = b"%s%s%s%d\x00%d\x00" % (_SEAL, warehouse, leaf, leaf_no, len(other))
    return head + other + texts


def _agreed_key(agreed: bytes, ephemeral: bytes, public: bytes) -> bytes:
    extracted = hmac.digest(b"lethe/archive/recovery/1", agreed, "sha256")
    return derive(extracted, b"archive/recovery" + ephemeral + public)
