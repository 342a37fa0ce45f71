"""The canonical bytes of a ledger row: RFC 8785, with a short way for what is plain.

A row whose payload has a `blinding` is written as number, batch, run, instant, kind and a
commitment to the rest: these can be shown to anybody without the rest.

A payload of ASCII text and whole numbers, which is what the ledger holds, reads the same from
the standard library's encoder with sorted names; anything else goes through rfc8785.
"""

from __future__ import annotations

import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any, Final

import rfc8785

LedgerTuple = tuple[int, str, str | None, datetime, str, Any, str | None, str]
"""id, batch, run_id, at, kind, subject_token, key_id, payload as JSON text."""

BLINDING: Final = "blinding"
_MAYBE_BLINDED = f'"{BLINDING}"'
_MAYBE_FRACTION = re.compile(r"[0-9][.eE]")
_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical_row(row: LedgerTuple) -> bytes:
    """Write a ledger row as canonical JSON; of a blinded one, what it hides as a commitment."""
    commitment = commit_to(row)
    if commitment is not None:
        return canonical_shell(*row[:5], commitment)
    number, batch, run_id, at, kind, token, key_id, payload = row
    return (
        f'{{"at":"{canonical_instant(at)}","batch":"{batch}","id":{number},"key_id":{_id(key_id)},'
        f'"kind":{_encode(kind)},"payload":{canonical_json(payload)},"run_id":{_id(run_id)},'
        f'"subject_token":{_hex(token)}}}'
    ).encode()


def canonical_shell(
    number: int, batch: str, run_id: str | None, at: datetime, kind: str, commitment: bytes
) -> bytes:
    """Write what of a blinded row anybody may see."""
    return (
        f'{{"at":"{canonical_instant(at)}","batch":"{batch}","commitment":"{commitment.hex()}",'
        f'"id":{number},"kind":{_encode(kind)},"run_id":{_id(run_id)}}}'
    ).encode()


def commit_to(row: LedgerTuple) -> bytes | None:
    """HMAC-SHA-256 under its blinding over key, payload and token; None of a row that has none."""
    _, _, _, _, _, token, key_id, text = row
    if _MAYBE_BLINDED not in text:
        return None
    payload, has_fractions = _parse(text)
    blinding = payload.pop(BLINDING, None) if isinstance(payload, dict) else None
    if not isinstance(blinding, str):
        return None
    hidden = (
        f'{{"key_id":{_id(key_id)},"payload":{_write(payload, has_fractions)},'
        f'"subject_token":{_hex(token)}}}'
    )
    return hmac.digest(blinding.encode(), hidden.encode(), "sha256")


def canonical_json(text: str) -> str:
    """Rewrite JSON text in its canonical form."""
    return _write(*_parse(text))


def _parse(text: str) -> tuple[Any, bool]:
    """Read JSON; also whether it holds numbers that are not whole."""
    fractions: list[str] = []

    def read_fraction(digits: str) -> float:
        fractions.append(digits)
        return float(digits)

    if _MAYBE_FRACTION.search(text):
        return json.loads(text, parse_float=read_fraction), bool(fractions)
    return json.loads(text), False


def _write(value: Any, has_fractions: bool) -> str:
    plain = _encode(value)
    if has_fractions or not plain.isascii():
        return rfc8785.dumps(value).decode()
    return plain


def _id(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


def _hex(token: Any) -> str:
    return "null" if token is None else f'"{bytes(token).hex()}"'


def canonical_instant(at: datetime) -> str:
    """Write an instant: UTC, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
