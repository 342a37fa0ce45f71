"""Seal records: a leaf, and a ciphertext under a data key of its own that is bound to it.

    leaf       SHA-256(0x00 ‖ HMAC-SHA-256(salt, canonical record))
    sealed     nonce ‖ AES-256-GCM(data key, salt ‖ canonical record), bound to leaf and columns
    wrapped    nonce ‖ AES-256-GCM(key of the ring, data key), bound to the leaf
    recovery   the same under a key agreed with the offline X25519 recovery key

Salt and data key are random and of this record only: where they are gone, leaf and ciphertext say
nothing, even to whoever guesses every value of the record.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lethe.keys.wrapping import derive

SALT = KEY = 32
NONCE = 12
ABSENT = b"\xff"
"""Stands for NULL among the columns that a ciphertext is bound to."""
_WRAP = b"lethe/archive/wrap/1"
_SEAL = b"lethe/archive/seal/1"
_DRAWN = struct.Struct(f"{SALT}s{KEY}s{NONCE}s{NONCE}s{NONCE}s")
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_INNER_REST, _OUTER_REST = bytes([0x36]) * 32, bytes([0x5C]) * 32


class Sealed(NamedTuple):
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

    __slots__ = ("_about", "_drawn", "_recover", "_seal", "_warehouse", "_wrap")

    def __init__(self, secret: bytes, warehouse: bytes, recovery: Agreement | None = None) -> None:
        self._wrap = AESGCM(derive(secret, "archive/wrap"))
        self._recover = AESGCM(recovery.secret) if recovery else None
        self._warehouse = warehouse
        self._about = _WRAP + warehouse
        self._seal = _SEAL + warehouse
        self._drawn: Iterator[tuple[bytes, ...]] = iter(())

    def seal(self, leaf_no: int, record: bytes, texts: bytes) -> Sealed:
        """Seal a canonical record.

        texts  what stands beside it in the clear, as `join_columns` writes it
        """
        salt, data_key, first, second, third = self._draw()
        leaf = make_leaf(salt, record)
        bound = b"%s%d\x00%s" % (self._about, leaf_no, leaf)
        wrapped = first + self._wrap.encrypt(first, data_key, bound)
        recovery = None
        if self._recover is not None:
            recovery = second + self._recover.encrypt(second, data_key, bound)
        about = associate(self._warehouse, leaf_no, leaf, texts, recovery)
        sealed = third + AESGCM(data_key).encrypt(third, salt + record, about)
        return Sealed(leaf, sealed, wrapped, recovery)

    def _draw(self) -> tuple[bytes, ...]:
        """Salt, data key and three nonces, out of randomness that is drawn for many records."""
        found = next(self._drawn, None)
        if found is None:
            drawn = os.urandom(_DRAWN.size * 256)
            self._drawn = _DRAWN.iter_unpack(drawn)
            found = next(self._drawn)
        return found

    def open(
        self,
        leaf_no: int,
        leaf: bytes,
        sealed: bytes,
        wrapped: bytes,
        recovery: bytes | None,
        texts: bytes,
    ) -> tuple[bytes, bytes]:
        """Open a record: its salt and its canonical bytes.

        Raises  InvalidTag if any byte of it, of its columns or of its leaf is another one
        """
        bound = b"%s%d\x00%s" % (self._about, leaf_no, leaf)
        data_key = self._wrap.decrypt(wrapped[:NONCE], wrapped[NONCE:], bound)
        # What `open_with` does, written out: a million calls of three functions take a second.
        other = recovery or b""
        about = b"%s%s%d\x00%d\x00%s%s" % (self._seal, leaf, leaf_no, len(other), other, texts)
        plain = AESGCM(data_key).decrypt(sealed[:NONCE], sealed[NONCE:], about)
        salt, record = plain[:SALT], plain[SALT:]
        inner = sha256(salt.translate(_INNER) + _INNER_REST + record).digest()
        outer = sha256(salt.translate(_OUTER) + _OUTER_REST + inner).digest()
        if sha256(b"\x00" + outer).digest() != leaf:
            raise InvalidTag
        return salt, record


def open_with(
    data_key: bytes,
    warehouse: bytes,
    leaf_no: int,
    leaf: bytes,
    sealed: bytes,
    recovery: bytes | None,
    texts: bytes,
) -> tuple[bytes, bytes]:
    """Open a record whose data key is known."""
    about = associate(warehouse, leaf_no, leaf, texts, recovery)
    plain = AESGCM(data_key).decrypt(sealed[:NONCE], sealed[NONCE:], about)
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
    return sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).digest()


def make_leaf(salt: bytes, record: bytes) -> bytes:
    """Hash a salted record into its leaf.

    Source  RFC 2104, written out for a salt of 32 bytes: OpenSSL sets an HMAC up more slowly
    """
    inner = sha256(salt.translate(_INNER) + _INNER_REST + record).digest()
    outer = sha256(salt.translate(_OUTER) + _OUTER_REST + inner).digest()
    return sha256(b"\x00" + outer).digest()


def join_columns(columns: Sequence[bytes | None]) -> bytes:
    """What stands beside a ciphertext in the clear, as one text.

    No text of PostgreSQL holds a zero byte, and none is the byte 0xff: the columns cannot be
    shifted against each other.
    """
    return b"\x00".join([ABSENT if column is None else column for column in columns])


def associate(
    warehouse: bytes, leaf_no: int, leaf: bytes, texts: bytes, recovery: bytes | None
) -> bytes:
    """Write what a ciphertext is bound to: what may hold any byte in front, at a fixed length."""
    other = recovery or b""
    return b"%s%s%s%d\x00%d\x00%s%s" % (
        _SEAL, warehouse, leaf, leaf_no, len(other), other, texts
    )  # fmt: skip


def _agreed_key(agreed: bytes, ephemeral: bytes, public: bytes) -> bytes:
    extracted = hmac.digest(b"lethe/archive/recovery/1", agreed, "sha256")
    return derive(extracted, b"archive/recovery" + ephemeral + public)
