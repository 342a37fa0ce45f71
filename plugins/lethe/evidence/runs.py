"""Runs: one row a run of any duty, found again by its name after clear and rerun."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from psycopg2 import extensions

from lethe.errors import UsageError
from lethe.include import statement

State = Literal["planned", "running", "waiting", "done", "stopped", "failed", "superseded"]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the warehouse knows it."""

    run_id: UUID
    kind: str
    name: str | None
    policy_name: str
    policy_version: str
    policy_digest: bytes
    as_of: date
    requested_by: str | None
    state: State
    reason: str | None
    started_at: datetime
    finished_at: datetime | None
    seal_no: int | None
    summary: Mapping[str, Any]


def begin_run(
    connection: extensions.connection,
    *,
    kind: str,
    name: str | None,
    policy: tuple[str, str, bytes],
    as_of: date,
    requested_by: str | None,
) -> Run:
    """Begin a run, or find the one of that name again; the caller commits.

    policy  name, version, digest
    Raises  UsageError if a run of that name had another policy or day
    """
    policy_name, version, digest = policy
    with connection.cursor() as cursor:
        cursor.execute(
            statement("evidence/begin_run"),
            {
                "kind": kind,
                "name": name,
                "policy_name": policy_name,
                "policy_version": version,
                "policy_digest": digest,
                "as_of": as_of,
                "requested_by": requested_by,
            },
        )
        row = cursor.fetchone()
    if row is None:
        raise UsageError(f"run '{name}' is being begun by somebody else; try again")
    run = read_run(connection, UUID(str(row[0])))
    if run.policy_digest != digest or run.as_of != as_of:
        raise UsageError(
            f"run '{name}' was planned for {run.as_of} under another edition of the policy or "
            "another day; start a new run"
        )
    return run


def read_run(connection: extensions.connection, run_id: UUID) -> Run:
    """Read a run.

    Raises  UsageError if there is none
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("evidence/read_run"), {"run_id": str(run_id)})
        row = cursor.fetchone()
    if row is None:
        raise UsageError(f"there is no run {run_id}")
    fields = list(row)
    fields[0], fields[5] = UUID(str(row[0])), bytes(row[5])
    return Run(*fields)


def set_state(
    connection: extensions.connection,
    run_id: UUID,
    state: State,
    *,
    reason: str | None = None,
    finished: bool = False,
    summary: Mapping[str, Any] | None = None,
    seal_no: int | None = None,
) -> None:
    """Write how far a run has come; the caller commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("evidence/set_run_state"),
            {
                "run_id": str(run_id),
                "state": state,
                "reason": reason,
                "finished": finished,
                "summary": None if summary is None else json.dumps(summary, default=str),
                "seal_no": seal_no,
            },
        )
