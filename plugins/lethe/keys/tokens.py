"""Keyed tokens: the name of a subject or identifier that tells nothing without its key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
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

    __slots__ = ("_inner", "_outer", "key_id")

    def __init__(self, secret: bytes, key_id: UUID) -> None:
        own = derive(secret, "token")
        self._inner, self._outer = _padded(own, 0x36), _padded(own, 0x5C)
        self.key_id = key_id

    def one(self, kind: str, field: str, value: Value) -> bytes:
        """Make the token of one value; a composite key is a sequence of its parts."""
        return self.many(kind, field, (value,))[0]

    def many(self, kind: str, field: str, values: Iterable[Value]) -> list[bytes]:
        """Make the tokens of many values of one kind and field, in their order."""
        # HMAC as RFC 2104 writes it: what all have in common is hashed once, which halves the time.
        inner = sha256(self._inner)
        inner.update(_framed(kind) + _framed(field))
        outer = sha256(self._outer)
        found = []
        for value in values:
            inside, around = inner.copy(), outer.copy()
            inside.update(_parts(value))
            around.update(inside.digest())
            found.append(around.digest())
        return found

    def subjects(self, kind: str, keys: Iterable[Sequence[str | None]]) -> list[bytes]:
        """Make the tokens of subjects by their table keys."""
        return self.many(kind, "", keys)


def encode_message(kind: str, field: str, value: Value) -> bytes:
    """Write out what a token is made over, for whoever must make the same elsewhere.

    Returns  length-prefixed kind and field, the number of parts, each part length-prefixed
             (4 bytes, big-endian; NULL is the length 0xFFFFFFFF), UTF-8
    """
    return _framed(kind) + _framed(field) + _parts(value)


def _padded(secret: bytes, pad: int) -> bytes:
    """The secret, shorter than a block of 64 bytes, under one of the pads of HMAC."""
    return bytes(byte ^ pad for byte in secret.ljust(64, b"\0"))


def _framed(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(4, "big") + data


def _parts(value: Value) -> bytes:
    one = value if isinstance(value, str) else value[0] if len(value) == 1 else None
    if one is not None:
        data = one.encode()
        return b"\x00\x00\x00\x01" + len(data).to_bytes(4, "big") + data
    framed = [_ABSENT if part is None else _framed(part) for part in value]
    return len(framed).to_bytes(4, "big") + b"".join(framed)
