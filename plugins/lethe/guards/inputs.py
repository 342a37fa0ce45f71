"""Rules that are stopped in the plan itself, with the reason: wrong inputs, holds without force."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from psycopg2 import extensions

from lethe.include import statement


def stop_rules(connection: extensions.connection, run_id: UUID, reasons: Mapping[str, str]) -> None:
    """Stop rules of a frozen plan before its guard; asked again, the newest answer holds.

    connection  in a transaction of the runner; the caller commits
    reasons     rule → why
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/release_stopped"), {"run_id": str(run_id)})
    for rule, reason in reasons.items():
        stop_rule(connection, run_id, rule, reason)


def stop_rule(
    connection: extensions.connection, run_id: UUID, rule: str, reason: str, by: str = "inputs"
) -> None:
    """Stop one rule of a frozen plan; the caller commits.

    by  what stops it: inputs or holds
    """
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/stop_rules"),
            {"run_id": str(run_id), "rule": rule, "reason": reason, "by": by},
        )


def find_stop(connection: extensions.connection, policy_name: str, rule: str) -> str | None:
    """Why the newest plan stopped a rule; sets that were approved earlier wait too."""
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/find_stop"), {"policy_name": policy_name, "rule": rule})
        row = cursor.fetchone()
    return row[0] if row else None
