"""Keys inside one key period, and the tokens made with them."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_CACHE_LIMIT: Final = 200_000


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
        self._key = derive_key(secret, f"{domain}/hmac")
        self._label = label
        self._known: dict[str, str] = {}

    def replace(self, value: str) -> str:
        """Give the token of one value."""
        token = self._known.get(value)
        if token is None:
            digest = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256")
            token = f"{self._label}_{base64.b32encode(digest[:10]).decode().lower()}"
            if len(self._known) >= _CACHE_LIMIT:
                self._known.clear()
            self._known[value] = token
        return token

    def replace_all(self, values: Iterable[str]) -> list[str]:
        """Give the token of each value."""
        return [self.replace(value) for value in values]
