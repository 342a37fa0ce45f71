"""Keyed tokens: the name of a subject or identifier that tells nothing without its key."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from uuid import UUID

from lethe.keys.wrapping import derive

TOKEN_BYTES = 32
Value = str | Sequence[str | None]
_ABSENT = b"\xff\xff\xff\xff"


class Tokens:
    """Make tokens with one key of the ring.

    A token is HMAC-SHA-256 over kind, field and the parts of the value, each with its length
    before it: 'ab'+'c' and 'a'+'bc' differ, and so do equal values of two kinds or fields.
    """

    __slots__ = ("_secret", "key_id")

    def __init__(self, secret: bytes, key_id: UUID) -> None:
        self._secret = derive(secret, "token")
        self.key_id = key_id

    def one(self, kind: str, field: str, value: Value) -> bytes:
        """Make the token of one value; a composite key is a sequence of its parts."""
        return self.many(kind, field, (value,))[0]

    def many(self, kind: str, field: str, values: Iterable[Value]) -> list[bytes]:
        """Make the tokens of many values of one kind and field, in their order."""
        secret, digest = self._secret, hmac.digest
        prefix = _framed(kind) + _framed(field)
        return [digest(secret, prefix + _parts(value), "sha256") for value in values]

    def subjects(self, kind: str, keys: Iterable[Sequence[str | None]]) -> list[bytes]:
        """Make the tokens of subjects by their table keys."""
        return self.many(kind, "", keys)


def encode_message(kind: str, field: str, value: Value) -> bytes:
    """Write out what a token is made over, for whoever must make the same elsewhere.

    Returns  length-prefixed kind and field, the number of parts, each part length-prefixed
             (4 bytes, big-endian; NULL is the length 0xFFFFFFFF), UTF-8
    """
    return _framed(kind) + _framed(field) + _parts(value)


def _framed(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(4, "big") + data


def _parts(value: Value) -> bytes:
    if isinstance(value, str):
        return b"\x00\x00\x00\x01" + _framed(value)
    if len(value) == 1 and value[0] is not None:
        return b"\x00\x00\x00\x01" + _framed(value[0])
    framed = [_ABSENT if part is None else _framed(part) for part in value]
    return len(framed).to_bytes(4, "big") + b"".join(framed)
