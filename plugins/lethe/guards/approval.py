"""Approval: a decision about the digest of an exact frozen set, under an exact policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import psycopg2
from psycopg2 import errorcodes, extensions

from lethe.errors import ConfigurationError, WarehouseRefused, describe_database_error
from lethe.include import statement


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided what about a digest, and when."""

    decision: Literal["approve", "reject"]
    decided_by: str
    decided_at: datetime


def find_decision(
    connection: extensions.connection, digest: bytes, policy_digest: bytes
) -> Decision | None:
    """Find the latest decision about a digest under a policy."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/read_approval"), {"digest": digest, "policy_digest": policy_digest}
        )
        row = cursor.fetchone()
    return None if row is None else Decision(*row)


def find_answer(
    connection: extensions.connection, run_id: UUID, digest: bytes, policy_digest: bytes
) -> Decision | None:
    """Find the latest decision about the set of one run."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/read_answer"),
            {"run_id": str(run_id), "digest": digest, "policy_digest": policy_digest},
        )
        row = cursor.fetchone()
    return None if row is None else Decision(*row)


def record_decision(
    connection: extensions.connection,
    *,
    digest: bytes,
    policy_digest: bytes,
    decision: Literal["approve", "reject"],
    decided_by: str,
    reason: str | None = None,
    run_id: UUID | None = None,
    rule: str | None = None,
) -> None:
    """Record a decision in a transaction that acts as the approver; the caller commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/add_approval"),
            {
                "run_id": None if run_id is None else str(run_id),
                "rule": rule,
                "digest": digest,
                "policy_digest": policy_digest,
                "decision": decision,
                "decided_by": decided_by,
                "reason": reason,
            },
        )


@contextmanager
def deciding(connection: extensions.connection, what: str = "decision") -> Iterator[None]:
    """Record what an approver decides, or roll back and say why not.

    connection  in a transaction that acts as the approver; the body commits
    what        the name of what is recorded, in messages
    Raises      ConfigurationError where this user is no approver; WarehouseRefused
    """
    try:
        yield
    except psycopg2.Error as error:
        if not connection.closed:
            connection.rollback()
        if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
            raise ConfigurationError(
                "only the approver decides, and this user is not one: use the connection "
                "'lethe_approver'"
            ) from None
        raise WarehouseRefused(
            f"the {what} was not recorded: {describe_database_error(error)}", error.pgcode
        ) from None
