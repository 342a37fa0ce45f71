"""Seal small payloads that must leave the warehouse, so that only the key ring can read them."""

from __future__ import annotations

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lethe.errors import TamperingFound
from lethe.keys.wrapping import derive


class Sealer:
    """Encrypt and decrypt with one key of the ring (AES-256-GCM, random nonce before the text)."""

    __slots__ = ("_cipher", "key_id")

    def __init__(self, secret: bytes, key_id: UUID) -> None:
        self._cipher = AESGCM(derive(secret, "seal"))
        self.key_id = key_id

    def seal(self, data: bytes, bound_to: bytes) -> bytes:
        """Encrypt data, bound to what it belongs to."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, data, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Decrypt what `seal` gave.

        Raises  TamperingFound if it was changed, moved or sealed with another key
        """
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], bound_to)
        except InvalidTag:
            raise TamperingFound(
                "a sealed payload does not open: it was changed, moved or sealed with another key"
            ) from None
