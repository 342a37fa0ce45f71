"""The Ed25519 key that signs evidence packs, made from the key ring."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lethe.keys import KeyRing, derive

_PURPOSE, _PERIOD = "pack_sign", "1"


class PackSigner:
    """Signs manifests; its fingerprint goes into every report, so that the mailbox pins it."""

    __slots__ = ("_key", "public_key")

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(derive(secret, "evidence/pack/sign"))
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @classmethod
    def of(cls, ring: KeyRing, *, create: bool = False) -> PackSigner:
        """The signer of a warehouse.

        create  make the key if there is none; the caller commits before anything is signed
        """
        return cls(ring.secret(_PURPOSE, _PERIOD, create=create))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key, 64 hexadecimal digits."""
        return hashlib.sha256(self.public_key).hexdigest()

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        return self._key.sign(message)

    def pem(self) -> bytes:
        """The public key as other tools read it."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
