"""What a report says of logs: counts out of the ledger, no line is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg2 import extensions

from lethe.include import statement
from lethe.policy.model import Policy
from lethe.pseudonymisation.outcome import KEY_DESTROYED


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source of raw logs over a period: read = written + sum(quarantined).

    files           files, or batches of a table
    late            lines that came after the key of their month was gone, and were destroyed
    unique_share    the worst of any file: share of lines that stand alone by what remains
    smallest_group  the smallest of any file
    limit           of the policy, for the share
    is_within       every file kept the limits that were in force that night
    """

    source: str
    files: int
    read: int
    written: int
    quarantined: Mapping[str, int]
    late: int
    unique_share: float | None
    smallest_group: int | None
    limit: float
    is_within: bool


def log_facts(
    connection: extensions.connection, policy: Policy, begins: datetime, ends: datetime
) -> tuple[SourceFacts, ...] | None:
    """Add up what became of raw lines; None where the policy has no logs.

    connection  in a transaction of a role that reads the ledger
    """
    if policy.logs is None:
        return None
    between = {"begins": begins, "ends": ends}
    with connection.cursor() as cursor:
        cursor.execute(statement("logs/sum_reasons"), between)
        reasons: dict[str, dict[str, int]] = {}
        for source, reason, count in cursor.fetchall():
            reasons.setdefault(str(source), {})[str(reason)] = int(count)
        cursor.execute(statement("logs/sum_written"), between)
        rows = cursor.fetchall()
    found = []
    for source, files, read, written, share, smallest, within in rows:
        aside = reasons.get(str(source), {})
        found.append(
            SourceFacts(
                source=str(source),
                files=int(files),
                read=int(read),
                written=int(written),
                quarantined=aside,
                late=aside.get(KEY_DESTROYED, 0),
                unique_share=None if share is None else float(share),
                smallest_group=None if smallest is None else int(smallest),
                limit=policy.logs.unique_share,
                is_within=within is not False,
            )
        )
    return tuple(found)
