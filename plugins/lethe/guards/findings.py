"""Findings of the restore guard that are left in peace: who came back, and keys used again.

A finding rings until an approver has said that it was seen and why; another one rings for itself.
It is named by the keyed token of the subject alone, in rows of the ledger that end as all rows
about single subjects do: found by the night, seen by an approver, gone when it is there no more.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg2 import extensions

from lethe.errors import GuardStop, UsageError
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.answers import require_approver
from lethe.guards.approval import deciding
from lethe.include import statement
from lethe.policy.model import Policy

Sort = Literal["same_identifier", "same_key"]
SORTS: tuple[Sort, ...] = ("same_identifier", "same_key")
MOST_A_NIGHT = 10_000
MOST_REASON = 500


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """Somebody whom the restore guard found.

    sort     same_identifier: who came back under another key; same_key: a key used again by others
    subject  kind of subject
    token    of the live subject's key, with the id of the key that made it
    """

    sort: str
    subject: str
    token: bytes
    key_id: UUID


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding that nobody has marked as seen, and the run that put it on the ledger."""

    found: Found
    since: datetime
    run_id: UUID


def read_findings(connection: extensions.connection, policy_name: str) -> list[Finding]:
    """Read what waits to be seen, oldest first."""
    standing = _standing(connection, policy_name)
    waiting = [
        Finding(found, at, run_id)
        for found, (kind, at, run_id) in standing.items()
        if kind == "return_found"
    ]
    return sorted(waiting, key=lambda each: (each.since, each.found))


def digest_of(findings: Iterable[Finding]) -> bytes:
    """The digest of exactly these findings, which an answer is bound to."""
    lines = sorted(
        f"{each.found.sort} {each.found.subject} {each.found.key_id} {each.found.token.hex()}\n"
        for each in findings
    )
    return hashlib.sha256("".join(lines).encode()).digest()


def note_findings(
    connection: extensions.connection,
    policy_name: str,
    run_id: UUID,
    found: Collection[Found],
    witness: Witness | None,
) -> dict[tuple[str, str], int]:
    """Put on the ledger what is new and what is gone, and commit.

    connection  in a transaction of the runner
    Returns     (kind of subject, sort) → how many of those found are marked as seen
    """
    standing = _standing(connection, policy_name)
    new = sorted(f for f in found if standing.get(f, ("return_gone",))[0] == "return_gone")
    gone = [f for f, (kind, *_) in standing.items() if kind != "return_gone" and f not in found]
    rows = [
        *(_row("return_found", each) for each in new[:MOST_A_NIGHT]),
        *(_row("return_gone", each) for each in gone),
    ]
    if rows:
        batch = EvidenceBatch(connection, run_id, witness)
        batch.add_rows(rows)
        batch.commit()
    seen = (f for f in found if f in standing and standing[f][0] == "return_seen")
    return Counter((each.subject, each.sort) for each in seen)


def mark_seen(
    connection: extensions.connection,
    policy: Policy,
    findings: Sequence[Finding],
    by: str,
    reason: str,
    witness: Witness | None = None,
) -> None:
    """Record that an approver has seen findings and why they may stay, and commit.

    connection  in a transaction that acts as the approver
    Raises      GuardStop where the policy does not name that person, or nothing is left to see
    """
    said = " ".join(reason.split())
    if not said or len(said) > MOST_REASON:
        raise UsageError(f"say why they may stay, in at most {MOST_REASON} letters")
    require_approver(policy, by)
    with deciding(connection):
        _require_waiting(connection, policy.policy.name, findings)
        # By their run they are found again; any run of the sweep serves.
        batch = EvidenceBatch(connection, findings[-1].run_id, witness)
        digest = digest_of(findings).hex()
        act = LedgerRow("returns_seen", {"subjects": len(findings), "digest": digest, "by": by})
        rows = (_row("return_seen", each.found, by=by, reason=said) for each in findings)
        batch.add_rows([*rows, act])
        batch.commit()


def _require_waiting(
    connection: extensions.connection, policy_name: str, findings: Sequence[Finding]
) -> None:
    waiting = {each.found for each in read_findings(connection, policy_name)}
    if not findings or not waiting.issuperset(each.found for each in findings):
        raise GuardStop("somebody has marked them as seen meanwhile, or they are gone; look again")


def _row(kind: str, found: Found, **said: str) -> LedgerRow:
    payload = {"sort": found.sort, "subject": found.subject, **said}
    return LedgerRow(kind, payload, found.token, found.key_id)


def _standing(
    connection: extensions.connection, policy_name: str
) -> Mapping[Found, tuple[str, datetime, UUID]]:
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/list_findings"), {"policy_name": policy_name})
        return {
            Found(sort, subject, bytes(token), UUID(str(key_id))): (kind, at, UUID(str(run_id)))
            for sort, subject, token, key_id, kind, at, run_id in cursor.fetchall()
        }
