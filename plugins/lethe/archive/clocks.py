"""Seal frozen clocks: what the erasure of an account froze becomes a leaf of its own."""

from __future__ import annotations

import hmac
import json
from datetime import date
from uuid import UUID

from psycopg2 import extensions

from lethe.archive.appending import Append, ArchiveKeys
from lethe.archive.capture import told
from lethe.archive.documents import make_record
from lethe.archive.records import NewRecord, write_record
from lethe.connections import acting_as
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.canonical import canonical_instant
from lethe.evidence.witness import Witness
from lethe.include import statement

_BATCH = 2_000


def seal_clocks(
    connection: extensions.connection,
    keys: ArchiveKeys,
    run_id: UUID,
    witness: Witness | None,
) -> int:
    """Seal every frozen clock that has no leaf yet; returns how many."""
    sealed = 0
    while True:
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(statement("archive/forget_clocks"))
            append = Append.begin(connection, keys)
            cursor.execute(statement("archive/find_clocks"), {"size": _BATCH})
            rows = cursor.fetchall()
            if not rows:
                connection.commit()
                return sealed
            numbers = [append.add(clock_record(append, keys, *row)) for row in rows]
            cursor.execute(
                statement("archive/mark_clocks"),
                {
                    "kinds": [row[0] for row in rows],
                    "keys": [row[1] for row in rows],
                    "leaves": numbers,
                },
            )
        head = append.finish()
        evidence = EvidenceBatch(connection, run_id, witness)
        evidence.add_rows([told(head, {"clocks": len(rows)})])
        evidence.add_event("archive_head", {"head": head.line(keys.warehouse_id)})
        evidence.commit()
        sealed += len(rows)


def clock_record(
    append: Append,
    keys: ArchiveKeys,
    kind: str,
    key: str,
    key_json: str,
    deactivated_on: date,
    erased_on: date,
    frozen_by: str | None,
) -> NewRecord:
    """The record of a frozen clock.

    frozen_by  the run that erased the subject
    """
    record = write_record(
        {
            "deactivated_on": deactivated_on.isoformat(),
            "erased_on": erased_on.isoformat(),
            "frozen_by": frozen_by,
            "kind": "clock",
            "recorded_at": canonical_instant(append.at),
            "subject": {"key": json.loads(key_json), "kind": kind},
        }
    )
    token = hmac.digest(keys.tokens, b"clock\x00" + record, "sha256")
    return make_record(record, "clock", kind, key.encode(), token=token)
