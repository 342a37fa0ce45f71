"""Tombstones: keyed hashes by which the erased are known again, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal
from uuid import UUID

from psycopg2 import extensions

from lethe.evidence.copying import copy_lines, write_field
from lethe.include import statement
from lethe.keys import Tokens

TombstoneKind = Literal["table_key", "identifier"]
Instants = Sequence[datetime | None]


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Keyed hashes of erased subjects, all of their table key or all of one natural identifier.

    tokens             one a subject
    subject_tokens     token of the table key of the same subject; joins its tombstones
    starting_points    of the rule that erased it: whoever came back has a later one
    newest_activities  newest row that hung on it
    """

    kind: TombstoneKind
    key_id: UUID
    subject_kind: str
    identifier: str
    tokens: Sequence[bytes]
    subject_tokens: Sequence[bytes]
    starting_points: Instants
    newest_activities: Instants


def make_tombstones(
    tokens: Tokens,
    subject_kind: str,
    keys: Sequence[Sequence[str | None]],
    identifiers: Mapping[str, Sequence[str | None]],
    starting_points: Instants | None = None,
    newest_activities: Instants | None = None,
) -> list[Tombstones]:
    """Make the tombstones of a batch of subjects of one kind.

    keys         table keys, as text, one a subject
    identifiers  natural identifier → its value for each subject, None where it has none; write a
                 value the same way each time (an e-mail in lower case), or it is not found again
    """
    nothing: Instants = [None] * len(keys)
    starts, newest = starting_points or nothing, newest_activities or nothing
    subjects = tokens.subjects(subject_kind, keys)
    made = [
        Tombstones("table_key", tokens.key_id, subject_kind, "", subjects, subjects, starts, newest)
    ]
    for name, values in identifiers.items():
        there = [number for number, value in enumerate(values) if value is not None]
        made.append(
            Tombstones(
                kind="identifier",
                key_id=tokens.key_id,
                subject_kind=subject_kind,
                identifier=name,
                tokens=tokens.many(subject_kind, name, [values[n] or "" for n in there]),
                subject_tokens=[subjects[n] for n in there],
                starting_points=[starts[n] for n in there],
                newest_activities=[newest[n] for n in there],
            )
        )
    return [stones for stones in made if stones.tokens]


def add_tombstones(
    connection: extensions.connection,
    batch: UUID,
    run_id: UUID | None,
    erased_at: datetime,
    groups: Iterable[Tombstones],
) -> int:
    """Add tombstones in the caller's transaction; returns how many."""
    end = "\t".join([write_field(erased_at), write_field(run_id), write_field(batch)])
    written = cache(write_field)  # the tombstones of a subject have their instants in common
    return copy_lines(
        connection,
        "evidence/copy_tombstones",
        (line for stones in groups for line in _lines(stones, end, written)),
    )


def expire_tombstones(connection: extensions.connection, erased_before: datetime) -> int:
    """Remove the tombstones of whoever was erased before an instant; returns how many.

    erased_before  now less backups.retention and late_import_window
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/expire_tombstones"), {"erased_before": erased_before})
        return cursor.rowcount


def _lines(
    stones: Tombstones, end: str, written: Callable[[datetime | None], str]
) -> Iterator[str]:
    fixed = "\t".join(
        map(write_field, (stones.kind, stones.key_id, stones.subject_kind, stones.identifier))
    )
    rows = zip(
        stones.tokens,
        stones.subject_tokens,
        stones.starting_points,
        stones.newest_activities,
        strict=True,
    )
    for token, subject, start, newest in rows:
        yield (
            f"\\\\x{token.hex()}\t{fixed}\t\\\\x{subject.hex()}"
            f"\t{written(start)}\t{written(newest)}\t{end}"
        )
