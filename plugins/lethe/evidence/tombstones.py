"""Tombstones: keyed hashes by which the erased are known again, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg2 import extensions

from lethe.evidence.copying import copy_rows
from lethe.include import statement
from lethe.keys import Tokens

TombstoneKind = Literal["table_key", "identifier"]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One keyed hash of an erased subject: of its table key, or of a natural identifier.

    subject_token    token of the table key; joins the tombstones of one subject
    starting_point   of the rule that erased it; the returned are told by a later one
    newest_activity  newest row that hung on it
    """

    token: bytes
    kind: TombstoneKind
    key_id: UUID
    subject_kind: str
    identifier: str
    subject_token: bytes
    starting_point: datetime | None = None
    newest_activity: datetime | None = None


def make_tombstones(
    tokens: Tokens,
    subject_kind: str,
    keys: Sequence[Sequence[str | None]],
    identifiers: Mapping[str, Sequence[str | None]],
    starting_points: Sequence[datetime | None] | None = None,
    newest_activities: Sequence[datetime | None] | None = None,
) -> list[Tombstone]:
    """Make the tombstones of a batch of subjects of one kind.

    keys         table keys, as text, one a subject
    identifiers  natural identifier → its value for each subject, None where it has none; write a
                 value the same way each time (an e-mail in lower case), or it is not found again
    """
    nothing: Sequence[datetime | None] = [None] * len(keys)
    starts, newest = starting_points or nothing, newest_activities or nothing
    subjects = tokens.subjects(subject_kind, keys)
    stones = [
        Tombstone(token, "table_key", tokens.key_id, subject_kind, "", token, start, last)
        for token, start, last in zip(subjects, starts, newest, strict=True)
    ]
    for name, values in identifiers.items():
        there = [number for number, value in enumerate(values) if value is not None]
        hashed = tokens.many(subject_kind, name, [values[number] or "" for number in there])
        stones.extend(
            Tombstone(token, "identifier", tokens.key_id, subject_kind, name, *about)
            for token, about in zip(
                hashed, ((subjects[n], starts[n], newest[n]) for n in there), strict=True
            )
        )
    return stones


def add_tombstones(
    connection: extensions.connection,
    batch: UUID,
    run_id: UUID | None,
    erased_at: datetime,
    stones: Iterable[Tombstone],
) -> int:
    """Add tombstones in the caller's transaction; returns how many."""
    name, run = str(batch), None if run_id is None else str(run_id)
    return copy_rows(
        connection,
        "evidence/copy_tombstones",
        (
            (
                stone.token,
                stone.kind,
                stone.key_id,
                stone.subject_kind,
                stone.identifier,
                stone.subject_token,
                erased_at,
                stone.starting_point,
                stone.newest_activity,
                run,
                name,
            )
            for stone in stones
        ),
    )


def expire_tombstones(connection: extensions.connection, erased_before: datetime) -> int:
    """Remove the tombstones of whoever was erased before an instant; returns how many.

    erased_before  now less backups.retention and late_import_window
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/expire_tombstones"), {"erased_before": erased_before})
        return cursor.rowcount
