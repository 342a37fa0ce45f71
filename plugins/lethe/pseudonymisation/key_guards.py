"""What stands between a key and its end: holds, open cases, a limit and the approval over it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Literal

from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.errors import (
    GuardStop,
    UsageError,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.answers import find_approver
from lethe.guards.approval import Decision, deciding, find_decision, record_decision
from lethe.guards.hold_entries import LOG_PERIOD
from lethe.include import statement
from lethe.keys import KeyRecord, list_keys
from lethe.policy.model import Policy
from lethe.pseudonymisation.key_life import DueKey, LogRoom, due_keys


@dataclass(frozen=True, slots=True)
class WaitingKeys:
    """Keys that are due and more than a night may destroy: they wait for an approval.

    digest    of exactly these keys under exactly this policy
    decision  the latest about that digest
    """

    keys: tuple[DueKey, ...]
    limit: int
    digest: bytes
    decision: Decision | None


def waiting_keys(
    connection: extensions.connection, policy: Policy, policy_digest: bytes, as_of: date
) -> WaitingKeys | None:
    """Say which keys wait for an approval; None if a night may destroy what is due by itself.

    connection  in a transaction of the runner; nothing is written, and no key is opened
    """
    held = _held(connection, as_of)
    due = tuple(
        each
        for each in due_keys(list_keys(connection), policy, as_of)
        if each.record.period not in held
    )
    if policy.logs is None or len(due) <= policy.logs.keys_a_night:
        return None
    digest = _digest(policy_digest, [each.record for each in due])
    decision = find_decision(connection, digest, policy_digest)
    return WaitingKeys(due, policy.logs.keys_a_night, digest, decision)


def held_months(room: LogRoom) -> dict[str, str]:
    """Name the months whose keys must stay, and why; in whatever transaction is open."""
    return _held(room.connection, room.as_of)


def _held(connection: extensions.connection, as_of: date) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(statement("logs/list_held_months"), {"kind": LOG_PERIOD, "as_of": as_of})
        return {str(month): str(why) for month, why in cursor.fetchall()}


def held_now(room: LogRoom) -> dict[str, str]:
    """The same, asked in a transaction of its own."""
    acting_as(room.connection, "runner")
    found = held_months(room)
    room.connection.rollback()
    return found


def digest_of(room: LogRoom, keys: Sequence[KeyRecord]) -> bytes:
    """Name the exact set of keys under the exact policy: what an approval binds to."""
    return _digest(room.site.digest, keys)


def _digest(policy_digest: bytes, keys: Sequence[KeyRecord]) -> bytes:
    named = sorted((key.purpose, key.period, str(key.key_id)) for key in keys)
    told = {"policy": policy_digest.hex(), "keys": named}
    return sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).digest()


def require_within_limit(room: LogRoom, keys: Sequence[KeyRecord]) -> None:
    """Stop where more keys are due than a night may destroy and nobody approved exactly these.

    Raises  GuardStop with the digest
    """
    limit = room.logs.keys_a_night
    if len(keys) <= limit:
        return
    digest = digest_of(room, keys)
    acting_as(room.connection, "runner")
    decision = find_decision(room.connection, digest, room.site.digest)
    room.connection.rollback()
    if decision is None or decision.decision != "approve":
        raise GuardStop(
            f"{len(keys)} keys are due, the policy lets a night destroy {limit}"
            f" (logs.keys_a_night); if that is right: `lethe keys destroy --approve"
            f" {digest.hex()} --by APPROVER`"
        )


def approve_destruction(
    room: LogRoom, digest: str, keys: Sequence[KeyRecord], by: str | None, user: str
) -> None:
    """Record an approval of exactly these keys, under the approver's own database role.

    by      who approves, as said; else the user of the system
    Raises  UsageError where the digest is of another set; GuardStop for whom the policy does not
            name
    """
    expected = digest_of(room, keys)
    if digest.strip().lower() != expected.hex():
        raise UsageError(
            f"the digest names another set of keys, or another policy; due are {len(keys)} keys"
            f" with the digest {expected.hex()}"
        )
    with room.site.connected("approver") as connection:
        acting_as(connection, "approver")
        person = find_approver(connection, room.site.loaded.policy, by, user)
        record_approval(connection, room.site.digest, expected, len(keys), person, room.witness)


def record_approval(
    connection: extensions.connection,
    policy_digest: bytes,
    digest: bytes,
    count: int,
    person: str,
    witness: Witness,
    reason: str | None = None,
    decision: Literal["approve", "reject"] = "approve",
) -> None:
    """Record a named approver's decision about the end of keys, and commit.

    connection  in a transaction that acts as the approver
    """
    with deciding(connection, "approval"):
        record_decision(
            connection,
            digest=digest,
            policy_digest=policy_digest,
            decision=decision,
            decided_by=person,
            reason=reason,
            rule="logs:keys",
        )
        evidence = EvidenceBatch(connection, None, witness)
        told: dict[str, Any] = {"keys": count, "digest": digest.hex(), "by": person}
        kind = "log_keys_approved" if decision == "approve" else "log_keys_rejected"
        evidence.add_rows([LedgerRow(kind, told)])
        evidence.commit()
