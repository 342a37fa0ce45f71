"""Verify what stands beside the records: frozen clocks, and what nights took for settled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys
from lethe.archive.comparing import settled_token
from lethe.archive.reading import Opened, read_records
from lethe.archive.verify_unsealed import verify_unsealed
from lethe.errors import TamperingFound
from lethe.include import statement

Fault = Callable[[str], None]
_AT_ONCE = 1_000
Clock = tuple[str, str, str, str, str | None]
"""Kind, key as JSON, day of the deactivation, day of the erasure, run."""


def verify_clocks(
    connection: extensions.connection, keys: ArchiveKeys, records: set[int], fault: Fault
) -> int:
    """Every frozen clock is what was sealed; returns how many wait for the next night to seal them.

    records  leaves of the clock records that there are
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/list_frozen"))
        rows = cursor.fetchall()
    clocks: dict[int, Clock] = {}
    for number, kind, key, deactivated, erased, run_id, _ in rows:
        clock = (kind, key, deactivated, erased, run_id)
        if number is None:
            continue
        if number in clocks:
            fault("a frozen clock is doubled")
        else:
            clocks[number] = clock
    if unnamed := records - set(clocks):
        with connection.cursor() as cursor:
            cursor.execute(statement("archive/find_unnamed_clocks"), {"leaves": list(unnamed)})
            for (number,) in cursor.fetchall():
                fault(f"record {number}: the frozen clock that it seals is missing")
    _verify_sealed(connection, keys, clocks, fault)
    return verify_unsealed(connection, keys, fault)


def _verify_sealed(
    connection: extensions.connection, keys: ArchiveKeys, clocks: dict[int, Clock], fault: Fault
) -> None:
    absent = set(clocks)
    for opened in open_sound(connection, keys, list(clocks)):
        absent.discard(opened.leaf_no)
        if not is_said(opened, clocks[opened.leaf_no]):
            fault(f"frozen clock of leaf {opened.leaf_no}: is not what was sealed")
    for number in sorted(absent):
        fault(f"frozen clock of leaf {number}: its record is missing, or does not open")


def open_sound(
    connection: extensions.connection, keys: ArchiveKeys, leaves: Sequence[int]
) -> Iterator[Opened]:
    """Open records; those that do not open are left out."""
    for first in range(0, len(leaves), _AT_ONCE):
        some = leaves[first : first + _AT_ONCE]
        try:
            yield from list(read_records(connection, keys, leaves=some))
        except TamperingFound:
            for number in some:
                try:
                    yield from list(read_records(connection, keys, leaves=[number]))
                except TamperingFound:
                    continue


def is_said(opened: Opened, clock: Clock) -> bool:
    """A clock record says what stands beside it."""
    kind, key, deactivated, erased, run_id = clock
    record = opened.record
    if record["kind"] != "clock":
        return False
    # Records of before 2026-11-23 do not say which run froze them.
    by = record.get("frozen_by", run_id)
    return (record["deactivated_on"], record["erased_on"], by, record["subject"]) == (
        deactivated, erased, run_id, {"key": json.loads(key), "kind": kind},
    )  # fmt: skip


def verify_settled(connection: extensions.connection, keys: ArchiveKeys, fault: Fault) -> None:
    """What a night needs not compare again is what a night noted."""
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/list_unchanged"), {"document_type": None, "policy": None})
        rows = cursor.fetchall()
    seen: set[tuple[str, int]] = set()
    for name, part, digest, documents, fingerprint, outcomes, token in rows:
        own = settled_token(keys, name, part, bytes(digest), documents, fingerprint, outcomes)
        if (name, part) in seen:
            fault(f"settled part {part} of {name}: is doubled")
        seen.add((name, part))
        if bytes(token) != own:
            fault(f"settled part {part} of {name}: is not what a night of the archive noted")
