"""What a restore took and the witness kept: keys, tombstones and the off switch come back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

from psycopg2 import extensions

from lethe.evidence.batch import read_tombstones
from lethe.evidence.tombstones import add_tombstones
from lethe.evidence.witness import Witness, WitnessRecord, read_kept_key
from lethe.include import statement
from lethe.keys import KeyRing


def restore_tombstones(connection: extensions.connection, records: Iterator[WitnessRecord]) -> int:
    """Put the tombstones of lost batches back, in the caller's transaction; returns how many."""
    restored = 0
    for record in records:
        if record.batch is None or not record.body["tombstones"]:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                statement("evidence/find_tombstone_batches"), {"batches": [str(record.batch)]}
            )
            if cursor.fetchone() is not None:
                continue
        run_id = UUID(record.body["run"]) if record.body["run"] else None
        erased_at = datetime.fromisoformat(record.body["erased_at"])
        restored += add_tombstones(
            connection, record.batch, run_id, erased_at, read_tombstones(record)
        )
    return restored


def restore_keys(ring: KeyRing, witness: Witness) -> tuple[int, int]:
    """Put lost keys back and end again those that had ended, in the caller's transaction.

    Returns  (put back, ended again)
    """
    created: dict[UUID, WitnessRecord] = {}
    destroyed: dict[UUID, WitnessRecord] = {}
    for record in witness.records():
        if record.kind == "key_created":
            created[UUID(record.body["key_id"])] = record
        elif record.kind == "key_destroyed":
            destroyed[UUID(record.body["key_id"])] = record
    back = 0
    # The newest first: of two keys of one period it is the one in use.
    for key_id in reversed([each for each in created if each not in destroyed]):
        kept = witness.kept_key(key_id)
        if kept is not None:
            back += ring.restore(read_kept_key(kept))
    ended = 0
    living = {record.key_id for record in ring.list() if record.destroyed_at is None}
    for key_id in destroyed.keys() & living:
        body = destroyed[key_id].body
        final_at = date.fromisoformat(body["final_at"]) if body["final_at"] else None
        ring.destroy(body["purpose"], body["period"], final_at)
        ended += 1
    return back, ended


def find_disarming(witness: Witness) -> str | None:
    """Name who put the warehouse back to report-only, if that was the last word on arming."""
    voided = {record.body["number"] for record in witness.records() if record.kind == "void"}
    by: str | None = None
    for record in witness.records():
        if record.kind != "batch" or record.number in voided:
            continue
        for event in record.body.get("events", ()):
            if event["kind"] in ("warehouse_armed", "warehouse_disarmed"):
                by = event["body"]["by"] if event["kind"] == "warehouse_disarmed" else None
    return by
