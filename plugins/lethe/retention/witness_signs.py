"""Does the witness outside still say what the warehouse says? A sign of life among others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from psycopg2 import extensions

from lethe.errors import LetheError
from lethe.evidence.witness import Witness, WitnessRecord
from lethe.include import statement

_LOOK_BACK = 200
_IN_FLIGHT = timedelta(minutes=15)


def compare_with_witness(
    cursor: extensions.cursor, witness: Witness | None
) -> tuple[dict[str, Any], list[str]]:
    """Where the witness stands and where the warehouse names it, and what is not in order."""
    cursor.execute(statement("retention/read_witness_named"))
    row = cursor.fetchone()
    named = row[0] if row else None
    facts: dict[str, Any] = {"witness": None, "witness_named": named}
    if witness is None:
        lost = "the witness that the warehouse names cannot be reached"
        return facts, [lost] if named is not None else []
    try:
        position = witness.position()
        last, confirmed = _last_batch(witness)
    except LetheError as error:
        return facts, [f"the witness cannot be read: {error}"]
    facts["witness"] = position.number
    problems = []
    if named is not None and position.number < named:
        problems.append(
            f"the witness stands at {position.number} and the warehouse names {named}: "
            "it was replaced or restored"
        )
    if last is not None and (confirmed or datetime.now(UTC) - last.at > _IN_FLIGHT):
        cursor.execute(statement("evidence/find_batches"), {"batches": [str(last.batch)]})
        if cursor.fetchone() is None:
            problems.append(
                "the warehouse does not have the last batch of its witness: it was restored "
                "(`lethe sweep replay`), or a crash is not settled yet"
            )
    return facts, problems


def _last_batch(witness: Witness) -> tuple[WitnessRecord | None, bool]:
    """The newest batch that was not voided and that no replay came after; whether the warehouse is
    known to have committed it."""
    voided: set[int] = set()
    confirmed: set[int] = set()
    for record in islice(witness.records_backwards(), _LOOK_BACK):
        if record.kind == "void":
            voided.add(record.body["number"])
        elif record.kind == "committed":
            confirmed.add(record.body["number"])
        elif record.kind == "replayed":
            break
        elif record.kind == "batch" and record.number not in voided:
            return record, record.number in confirmed
    return None, False
