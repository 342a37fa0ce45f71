"""Wrap secrets with the key-encryption key, and derive field keys from a secret."""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from lethe.errors import ConfigurationError
from lethe.named_connections import require_connection

SECRET_BYTES = 32
_WAY_OUT = (
    "make one with: python -c 'import os,base64;print(base64.b64encode(os.urandom(32)).decode())'"
)


class KeyEncryptionKey:
    """The 32 bytes that wrap every secret of the ring; they never enter the warehouse."""

    __slots__ = ("_cipher", "kek_id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ConfigurationError(
                f"the key-encryption key has {len(secret)} bytes; it must have {SECRET_BYTES}; "
                f"{_WAY_OUT}"
            )
        separated = HKDF(SHA256(), 40, salt=None, info=b"lethe/kek/1").derive(secret)
        self._cipher = AESGCM(separated[:32])
        self.kek_id = separated[32:].hex()

    @classmethod
    def from_connection(cls, connection_id: str = "lethe_keys") -> KeyEncryptionKey:
        """Read the key from the password of an Airflow connection (base64 of 32 bytes)."""
        settings = require_connection(connection_id)
        if not settings.password:
            raise ConfigurationError(
                f"the connection '{connection_id}' has no password; it must hold the "
                f"key-encryption key in base64; {_WAY_OUT}"
            )
        return cls.from_base64(settings.password)

    @classmethod
    def from_base64(cls, text: str) -> KeyEncryptionKey:
        """Read the key from base64, standard or URL-safe."""
        try:
            plain = text.strip().replace("-", "+").replace("_", "/")
            secret = base64.b64decode(plain, validate=True)
        except (binascii.Error, ValueError):
            raise ConfigurationError(f"the key-encryption key is not base64; {_WAY_OUT}") from None
        return cls(secret)

    def wrap(self, secret: bytes, bound_to: bytes) -> tuple[bytes, bytes]:
        """Encrypt a secret; returns (nonce, ciphertext with tag)."""
        nonce = os.urandom(12)
        return nonce, self._cipher.encrypt(nonce, secret, bound_to)

    def unwrap(self, nonce: bytes, wrapped: bytes, bound_to: bytes) -> bytes:
        """Decrypt a secret.

        Raises  ConfigurationError if key, ciphertext or what it is bound to is another one
        """
        try:
            return self._cipher.decrypt(nonce, wrapped, bound_to)
        except InvalidTag:
            raise ConfigurationError(
                "a key of the ring cannot be unwrapped: the key-encryption key of the connection "
                f"'lethe_keys' (it is {self.kek_id}) is not the one that wrapped it, or the row "
                "was changed; put the right key into the connection"
            ) from None


def derive(secret: bytes, info: str | bytes, length: int = 32) -> bytes:
    """Separate one field or use from another inside a secret (HKDF-SHA-256, expand only).

    secret  a random secret of the ring, 32 bytes
    info    what the derived key is for, such as 'log/ip'
    Source  RFC 5869 section 3.3: a uniformly random secret needs no extraction
    """
    label = info.encode() if isinstance(info, str) else info
    return HKDFExpand(SHA256(), length, b"lethe/derive/1/" + label).derive(secret)
