"""A night of the archive, in counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import extensions

from lethe.archive.capture import Captured
from lethe.archive.expired import Expired, outcomes_of
from lethe.archive.heads import last_head
from lethe.catalogue.site import Site
from lethe.evidence.initialise import read_warehouse
from lethe.include import statement


@dataclass(frozen=True, slots=True)
class Trial:
    """A sample that was opened tonight, from every key that records are wrapped under."""

    opened: int
    keys: int


def summarise(
    site: Site,
    connection: extensions.connection,
    captured: Sequence[Captured],
    expired: Sequence[Expired],
    trial: Trial,
) -> dict[str, Any]:
    """The summary of a run."""
    head = last_head(connection)
    warehouse_id = read_warehouse(connection).warehouse_id
    archive = site.loaded.policy.archive
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/count_destroyed"))
        (destroyed,) = cursor.fetchone() or (0,)
    size = head.tree_size if head else 0
    return {
        "documents": [
            {
                "document": each.document,
                "issued": each.issued,
                "outcomes": dict(each.outcomes),
                "refused": each.refused,
                "notes": dict(each.notes),
                "party_versions": each.parties,
            }
            for each in captured
        ],
        "expiry": [outcomes_of(each) for each in expired],
        "trial": {"opened": trial.opened, "keys": trial.keys},
        # A leaf is a living record, a statement, or what a statement names.
        "records": {"living": size - 2 * int(destroyed), "destroyed": int(destroyed)},
        "recovery_copies": bool(archive and archive.recovery_key),
        "head": head.line(warehouse_id) if head else None,
        "tree_size": size,
        "root": head.root.hex() if head else None,
    }
