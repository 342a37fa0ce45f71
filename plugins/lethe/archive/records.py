"""Records as canonical JSON (RFC 8785), and the rows that stand for them.

Every value of the warehouse is text or null, every number of ours a small whole one: so the bytes
are the same on every server and in every year. For those msgspec writes what rfc8785 writes, twenty
times quicker, as long as no name holds a character beyond U+FFFF (UTF-16 orders those elsewhere).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import msgspec
import rfc8785

FORMAT = "lethe-archive/1"
_encode = msgspec.json.Encoder(order="sorted").encode
_BEYOND_UTF16 = bytes(range(0xF0, 0x100))


def _refuse_float(text: str) -> NoReturn:
    raise ValueError(f"a record holds no such number: {len(text)} characters")


_decode = msgspec.json.Decoder(float_hook=_refuse_float).decode


class NewRecord(NamedTuple):
    """A record to be archived.

    record  canonical bytes
    texts   what stands beside it in the clear but the head, as `join_columns` writes it
    packed  the same columns, as COPY takes them
    """

    record: bytes
    texts: bytes
    packed: bytes


def verbatim(canonical: str) -> msgspec.Raw:
    """Text that the server gave as canonical JSON; it is put in as it is."""
    return msgspec.Raw(canonical.encode())


def write_record(fields: Mapping[str, Any]) -> bytes:
    """Write a record.

    fields  texts, whole numbers, lists and mappings of them, and what is `verbatim`
    """
    return _encode({"format": FORMAT, **fields})


def read_record(data: bytes) -> dict[str, Any]:
    """Read a record, and refuse bytes that are not its canonical form.

    Raises  ValueError
    """
    value = _decode(data)
    quick = data.isascii() or len(data.translate(None, _BEYOND_UTF16)) == len(data)
    if (_encode(value) if quick else rfc8785.dumps(value)) != data:
        raise ValueError("the bytes are not canonical JSON")
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError("the bytes are no record of the archive")
    return value
