"""The canonical bytes of a ledger row: RFC 8785, with a short way for what is plain.

A payload of ASCII text and whole numbers, which is what the ledger holds, reads the same from
the standard library's encoder with sorted names; anything else goes through rfc8785.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import rfc8785

LedgerTuple = tuple[int, str, str | None, datetime, str, Any, str | None, str]
"""id, batch, run_id, at, kind, subject_token, key_id, payload as JSON text."""

_MAYBE_FRACTION = re.compile(r"[0-9][.eE]")
_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical_row(row: LedgerTuple) -> bytes:
    """Write a ledger row as canonical JSON."""
    number, batch, run_id, at, kind, token, key_id, payload = row
    plain = canonical_json(payload)
    run = "null" if run_id is None else f'"{run_id}"'
    key = "null" if key_id is None else f'"{key_id}"'
    subject = "null" if token is None else f'"{bytes(token).hex()}"'
    return (
        f'{{"at":"{canonical_instant(at)}","batch":"{batch}","id":{number},"key_id":{key},'
        f'"kind":{_encode(kind)},"payload":{plain},"run_id":{run},"subject_token":{subject}}}'
    ).encode()


def canonical_json(text: str) -> str:
    """Rewrite JSON text in its canonical form."""
    fractions: list[str] = []

    def read_fraction(digits: str) -> float:
        fractions.append(digits)
        return float(digits)

    if _MAYBE_FRACTION.search(text):
        value = json.loads(text, parse_float=read_fraction)
    else:
        value = json.loads(text)
    plain = _encode(value)
    if fractions or not plain.isascii():
        return rfc8785.dumps(value).decode()
    return plain


def canonical_instant(at: datetime) -> str:
    """Write an instant: UTC, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
