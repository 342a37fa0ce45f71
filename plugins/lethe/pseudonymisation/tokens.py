"""Keys inside one key period, and the tokens made with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_CACHE_LIMIT: Final = 10_000
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
# Base 32 in lower case (RFC 4648), two letters at a time: `base64` takes as long as the digest.
_PAIRS: Final = tuple(one + two for one in _ALPHABET for two in _ALPHABET)


def derive_key(secret: bytes, purpose: str, length: int = 32) -> bytes:
    """Derive from a period's secret the key of one purpose (HKDF-SHA-256).

    HKDF only separates purposes inside the period: the key dies with the secret.
    """
    info = b"lethe/logs/" + purpose.encode()
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


class Tokens:
    """HMAC-SHA-256 tokens of one domain, such as `user_k3jq2vymd5x7aeuz`.

    Eighty bits are kept: that two of a million values share a token has a chance of 2^-41.
    """

    def __init__(self, secret: bytes, domain: str, label: str) -> None:
        key = derive_key(secret, f"{domain}/hmac").ljust(64, b"\0")
        # HMAC's two halves (RFC 2104), begun once: each value then takes half the time.
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in key))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in key))
        self._front = f"{label}_"
        self._known: dict[str, str] = {}

    def replace(self, value: str) -> str:
        """Give the token of one value."""
        token = self._known.get(value)
        if token is None:
            inner, outer = self._inner.copy(), self._outer.copy()
            inner.update(value.encode("utf-8", "surrogatepass"))
            outer.update(inner.digest())
            token = self._front + _sixteen_letters(outer.digest())
            if len(self._known) >= _CACHE_LIMIT:
                self._known.clear()
            self._known[value] = token
        return token

    def replace_all(self, values: Iterable[str]) -> list[str]:
        """Give the token of each value."""
        return [self.replace(value) for value in values]


def _sixteen_letters(digest: bytes) -> str:
    left, right = int.from_bytes(digest[:5]), int.from_bytes(digest[5:10])
    return (
        _PAIRS[left >> 30] + _PAIRS[left >> 20 & 1023] + _PAIRS[left >> 10 & 1023]
        + _PAIRS[left & 1023] + _PAIRS[right >> 30] + _PAIRS[right >> 20 & 1023]
        + _PAIRS[right >> 10 & 1023] + _PAIRS[right & 1023]
    )  # fmt: skip
