"""The ledger: what was done, added within the transaction that does it, never changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import NoneType
from uuid import UUID

from psycopg2 import extensions

from lethe.evidence.canonical import BLINDING
from lethe.evidence.copying import copy_lines, write_field
from lethe.evidence.disclosure import make_blinding, may_be_shown
from lethe.include import statement

Json = None | bool | int | float | str | list["Json"] | tuple["Json", ...] | Mapping[str, "Json"]
_LARGEST = 2**53 - 1
_HARMLESS = frozenset({str, bool, NoneType})
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One thing that was done.

    kind           word for it, such as 'subject_erased'
    payload        counts by table, names of rules, reasons: nothing personal
    subject_token  keyed token of the subject, with the id of its key; both or neither
    """

    kind: str
    payload: Mapping[str, Json] = field(default_factory=dict)
    subject_token: bytes | None = None
    key_id: UUID | None = None


def append_rows(
    connection: extensions.connection,
    batch: UUID,
    run_id: UUID | None,
    rows: Iterable[LedgerRow],
) -> int:
    """Add rows to the ledger in the caller's transaction; returns how many.

    A row that no evidence pack may show gets a blinding into its payload.

    Raises  ValueError if a payload has no canonical form (RFC 8785), which could not be sealed
    """
    begin = f"{batch}\t{write_field(run_id)}"
    written = cache(write_field)  # kinds and keys are few
    payload = _Payloads().write
    return copy_lines(
        connection,
        "evidence/copy_ledger",
        (
            f"{begin}\t{written(row.kind)}\t{write_field(row.subject_token)}"
            f"\t{written(row.key_id)}\t{payload(row)}"
            for row in rows
        ),
    )


def close_batch(
    connection: extensions.connection,
    batch: UUID,
    run_id: UUID | None,
    row_count: int,
    witness: tuple[int, bytes] | None = None,
) -> None:
    """Say that a batch of ledger rows is complete; its presence proves that it was committed.

    witness  number and hash of the witness record that was written for it
    """
    number, digest = witness or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            statement("evidence/close_batch"),
            {
                "batch": str(batch),
                "run_id": None if run_id is None else str(run_id),
                "row_count": row_count,
                "witness_no": number,
                "witness_hash": digest,
            },
        )


class _Payloads:
    """Writes payloads for COPY; one that many rows share is judged and written once."""

    def __init__(self) -> None:
        self._written: dict[int, tuple[Mapping[str, Json], str]] = {}

    def write(self, row: LedgerRow) -> str:
        """Write the payload of a row, with a blinding of its own if no pack may show it."""
        text = self._canonical(row.payload)
        if may_be_shown(row.kind, row.subject_token, row.payload):
            return text
        more = "," if row.payload else ""
        return f'{text[:-1]}{more}"{BLINDING}":"{make_blinding(row.payload)}"}}'

    def _canonical(self, payload: Mapping[str, Json]) -> str:
        # The payload is kept, so that no other can have its identity.
        known = self._written.get(id(payload))
        if known is None:
            _require_canonical(payload)
            text = _encode(payload)
            # JSON holds no raw tab or newline: only its backslashes need COPY's escape.
            known = payload, text.replace("\\", "\\\\")
            self._written[id(payload)] = known
        return known[1]


def _require_canonical(payload: Mapping[str, Json] | Sequence[Json]) -> None:
    for part in payload.values() if isinstance(payload, Mapping) else payload:
        if type(part) in _HARMLESS:
            continue
        if isinstance(part, (int, float)):
            if not -_LARGEST <= part <= _LARGEST:
                raise ValueError("a number of the ledger is beyond 2^53; write it as text")
        elif isinstance(part, (Mapping, list, tuple)):
            _require_canonical(part)
