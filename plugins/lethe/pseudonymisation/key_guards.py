"""What stands between a key and its end: holds, open cases, a limit and the approval over it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from lethe.connections import acting_as
from lethe.errors import GuardStop, UsageError
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.guards.answers import find_approver
from lethe.guards.approval import find_decision, record_decision
from lethe.guards.hold_entries import LOG_PERIOD
from lethe.include import statement
from lethe.keys import KeyRecord
from lethe.pseudonymisation.key_life import LogRoom


def held_months(room: LogRoom) -> dict[str, str]:
    """Name the months whose keys must stay, and why; in whatever transaction is open."""
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/list_held_months"), {"kind": LOG_PERIOD})
        return {str(month): str(why) for month, why in cursor.fetchall()}


def held_now(room: LogRoom) -> dict[str, str]:
    """The same, asked in a transaction of its own."""
    acting_as(room.connection, "runner")
    found = held_months(room)
    room.connection.rollback()
    return found


def digest_of(room: LogRoom, keys: Sequence[KeyRecord]) -> bytes:
    """Name the exact set of keys under the exact policy: what an approval binds to."""
    named = sorted((key.purpose, key.period, str(key.key_id)) for key in keys)
    told = {"policy": room.site.digest.hex(), "keys": named}
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
        record_decision(
            connection,
            digest=expected,
            policy_digest=room.site.digest,
            decision="approve",
            decided_by=person,
            rule="logs:keys",
        )
        evidence = EvidenceBatch(connection, None, room.witness)
        told: dict[str, Any] = {"keys": len(keys), "digest": expected.hex(), "by": person}
        evidence.add_rows([LedgerRow("log_keys_approved", told)])
        evidence.commit()
