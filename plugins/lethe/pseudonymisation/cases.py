"""Cases of re-identification as the warehouse keeps them: without a pseudonym."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from lethe.connections import acting_as
from lethe.errors import (
    GuardStop,
    UsageError,
)
from lethe.include import statement
from lethe.pseudonymisation.key_life import LogRoom

FRAUD: Final = "fraud"


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know.

    source      key of the policy, under `logs.sources` or `logs.in_place`
    period      month in which the lines were written, which names the key
    pseudonyms  exactly these; a question with one more is another question
    """

    case_number: str
    source: str
    field: str
    period: str
    pseudonyms: tuple[str, ...]
    asked_by: str
    purpose: str = FRAUD

    def digest(self, policy_digest: bytes) -> bytes:
        """Name the question under a policy: what an approval binds to."""
        told = {
            "policy": policy_digest.hex(),
            "case": self.case_number,
            "purpose": self.purpose,
            "source": self.source,
            "field": self.field,
            "period": self.period,
            "asked_by": self.asked_by,
            "pseudonyms": sorted(set(self.pseudonyms)),
        }
        return sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True)
class Case:
    """A question as the warehouse keeps it: without a pseudonym."""

    case_id: UUID
    case_number: str
    source: str
    field: str
    period: str
    pseudonyms: int
    digest: bytes
    asked_by: str
    asked_at: datetime
    revealed_at: datetime | None
    closed_at: datetime | None

    def as_data(self) -> dict[str, Any]:
        """The case as plain data."""
        return self.told(
            asked_at=self.asked_at.isoformat(),
            revealed_at=self.revealed_at.isoformat() if self.revealed_at else None,
            closed_at=self.closed_at.isoformat() if self.closed_at else None,
        )

    def told(self, **more: Any) -> dict[str, Any]:
        """What the ledger says of it."""
        return {
            "case": self.case_number,
            "source": self.source,
            "field": self.field,
            "period": self.period,
            "pseudonyms": self.pseudonyms,
            "digest": self.digest.hex(),
            "asked_by": self.asked_by,
            **more,
        }


def list_cases(room: LogRoom) -> list[Case]:
    """List all cases, open ones first."""
    acting_as(room.connection, "runner")
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/list_cases"))
        found = [_case(row) for row in cursor.fetchall()]
    room.connection.rollback()
    return found


def require_open(case: Case) -> None:
    if case.closed_at is not None:
        raise GuardStop(f"case {case.case_number} was closed on {case.closed_at:%Y-%m-%d}")


def find_case(room: LogRoom, digest: bytes) -> Case:
    with room.connection.cursor() as cursor:
        cursor.execute(statement("logs/find_case"), {"digest": digest})
        row = cursor.fetchone()
    if row is None:
        raise UsageError(
            "nobody asked this: no case has the digest"
            f" {digest.hex()}; see `lethe logs reveal --list`"
        )
    return _case(row)


def _case(row: Sequence[Any]) -> Case:
    values = list(row)
    values[0], values[6] = UUID(str(row[0])), bytes(row[6])
    return Case(*values)


def read_digest(digest: str) -> bytes:
    try:
        found = bytes.fromhex(digest.strip())
    except ValueError:
        found = b""
    if len(found) != 32:
        raise UsageError("a digest has 64 hexadecimal digits; `lethe logs reveal --list` shows it")
    return found
