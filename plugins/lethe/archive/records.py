"""Records as canonical JSON (RFC 8785), and the rows that stand for them.

Every value of the warehouse is text or null, every number of ours a small integer: so the bytes
are the same on every server and in every year. `bound` comes canonical from the server and sorts
first among the names, so it is put in as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import rfc8785

FORMAT = "lethe-archive/1"
Kind = Literal["document", "party", "clock"]
_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be archived.

    document_key, subject_key  PostgreSQL's text form of the arrays
    record                     canonical bytes
    """

    kind: Kind
    subject_kind: str
    subject_key: str
    content_token: bytes
    record: bytes
    document_type: str | None = None
    document_key: str | None = None
    number: str | None = None
    issued_on: str | None = None
    country: str | None = None
    party_no: int | None = None

    def columns(self, head_no: int) -> list[bytes | None]:
        """What stands beside the ciphertext in the clear, and is bound to it."""
        texts = (
            self.kind,
            self.document_type,
            self.document_key,
            self.number,
            self.issued_on,
            self.country,
            None if self.party_no is None else str(self.party_no),
            self.subject_kind,
            self.subject_key,
            self.content_token.hex(),
            str(head_no),
        )
        return [None if text is None else text.encode() for text in texts]


def write_record(fields: Mapping[str, Any], bound: str | None = None) -> bytes:
    """Write a record: its fields, and what the server gave as canonical text.

    fields  names after 'bound' in the alphabet; texts, whole numbers, lists and mappings of them
    """
    text = _encode({"format": FORMAT, **fields})
    if bound is not None:
        text = f'{{"bound":{bound},{text[1:]}'
    return text.encode()


def read_record(data: bytes) -> dict[str, Any]:
    """Read a record, and refuse bytes that are not its canonical form.

    Raises  ValueError
    """
    value = json.loads(data)
    if _encode(value).encode() != data and rfc8785.dumps(value) != data:
        raise ValueError("the bytes are not canonical JSON")
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError("the bytes are no record of the archive")
    return value
