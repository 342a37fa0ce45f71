"""Answers to questions: whose are taken, carried over to the sets that wait, or too late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg2 import extensions

from lethe.errors import (
    GuardStop,
    UsageError,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import Json, LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.approval import deciding, record_decision
from lethe.guards.questions import Question, last_day
from lethe.include import statement
from lethe.policy.model import Policy

Decision = Literal["approve", "reject"]


SHARED_ROLE = "lethe_approver"
"""The group role under which every decision is recorded; a login may have a role of its own."""
DECISIONS: tuple[Decision, ...] = ("approve", "reject")


def answer(
    connection: extensions.connection,
    question: Question,
    decision: str,
    by: str,
    requested_by: str | None,
    *,
    policy: Policy,
    reason: str | None = None,
    witness: Witness | None = None,
) -> None:
    """Record a named approver's decision about a set that still waits, and commit.

    connection    in a transaction that acts as the approver
    requested_by  who started the run by hand, as the caller knows it
    Raises        UsageError, GuardStop with the reason why the answer is not taken
    """
    if decision not in DECISIONS:
        raise UsageError(f"'{decision}' is no decision; it is one of: {', '.join(DECISIONS)}")
    require_approver(policy, by)
    _require_open(connection, question, policy, by, requested_by)
    require_four_eyes(by, *list_askers(connection, [question.digest]))
    with deciding(connection):
        record_decision(
            connection,
            digest=question.digest,
            policy_digest=question.policy_digest,
            decision=decision,
            decided_by=by,
            reason=reason,
            run_id=question.run_id,
            rule=question.rule,
        )
        kind = "plan_approved" if decision == "approve" else "plan_rejected"
        told: dict[str, Json] = {"rule": question.rule, "digest": question.digest.hex(), "by": by}
        batch = EvidenceBatch(connection, question.run_id, witness)
        batch.add_rows([LedgerRow(kind, told)])
        batch.add_event(kind, told)  # so that a restore which takes the answer away is found
        batch.commit()


def require_approver(policy: Policy, by: str) -> None:
    """Refuse whoever the policy does not name as an approver."""
    named = [approver.user for approver in policy.guards.approvers]
    if by not in named:
        raise GuardStop(
            f"'{by}' may not decide; the policy names: {', '.join(named) or 'nobody'} "
            "(guards.approvers)"
        )


def find_approver(
    connection: extensions.connection, policy: Policy, said: str | None, user: str
) -> str:
    """Name the approver who decides at a shell: as said, else by the user of the system, else by
    the login of the approver's connection.

    connection  of the approver, in any transaction
    Raises      GuardStop if the policy does not name that person, or another role is his
    """
    named = {approver.user: approver for approver in policy.guards.approvers}
    by = said or user
    if by not in named and not said:
        login, _ = _read_login(connection, "")
        own = [name for name, each in named.items() if each.database_role == login]
        by = own[0] if len(own) == 1 else user
    try:
        require_approver(policy, by)
    except GuardStop as stop:
        raise GuardStop(f"{stop}; say who approves with --by") from None
    role = named[by].database_role
    if role != SHARED_ROLE and not _read_login(connection, role)[1]:
        raise GuardStop(
            f"'{by}' decides under the database role '{role}' (guards.approvers), and the login "
            "of the connection 'lethe_approver' is no member of it; use a login of that person"
        )
    return by


def _read_login(connection: extensions.connection, role: str) -> tuple[str, bool]:
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/read_login"), {"role": role})
        login, is_member = cursor.fetchone() or ("", False)
    return str(login), bool(is_member)


def list_askers(connection: extensions.connection, digests: Sequence[bytes]) -> list[str]:
    """Name who asked by hand for a run that froze one of these sets."""
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/list_askers"), {"digests": list(digests)})
        return [str(row[0]) for row in cursor.fetchall()]


def require_four_eyes(by: str, *requested_by: str | None) -> None:
    """Refuse an approver who asked for the run himself."""
    if by.casefold() in {name.casefold() for name in requested_by if name}:
        raise GuardStop(f"'{by}' asked for this run and may not approve it; ask another approver")


def settle_answers(
    connection: extensions.connection, policy: Policy, expired_before: datetime
) -> list[tuple[UUID, str, str]]:
    """Carry decisions over to the sets that wait for them; the caller, a runner, commits.

    expired_before  sets of runs begun before it that nobody answered count as rejected
    Returns         (run, rule, state) of each that was settled
    """
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/settle_answers"),
            {
                "policy_name": policy.policy.name,
                "expired_before": expired_before,
                "late": f"not answered within {policy.guards.approval_timeout}",
            },
        )
        settled = [(UUID(str(run)), rule, state) for run, rule, state in cursor.fetchall()]
    _forget(
        connection, [(run, rule) for run, rule, state in settled if state == "rejected"], "rejected"
    )
    return settled


def supersede(
    connection: extensions.connection, policy_name: str, new_run_id: UUID
) -> list[tuple[UUID, str]]:
    """Let a newer plan supersede the unanswered sets of older ones; the caller commits.

    Returns  (run, rule) of each; their frozen subjects are forgotten
    """
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/supersede_waiting"),
            {"policy_name": policy_name, "run_id": str(new_run_id)},
        )
        gone = [(UUID(str(run)), str(rule)) for run, rule in cursor.fetchall()]
        _forget(connection, gone, "superseded by a newer plan")
        cursor.execute(
            statement("guards/supersede_runs"),
            {
                "runs": [str(run) for run, _ in gone],
                "reason": f"superseded by run {new_run_id}",
            },
        )
    return gone


def _forget(
    connection: extensions.connection, sets: Sequence[tuple[UUID, str]], reason: str
) -> None:
    """Forget whose keys nobody needs any more; they stay in the sums as skipped."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/forget_sets"),
            {
                "runs": [str(run) for run, _ in sets],
                "rules": [rule for _, rule in sets],
                "reason": reason,
            },
        )


def _require_open(
    connection: extensions.connection,
    question: Question,
    policy: Policy,
    by: str,
    requested_by: str | None,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/read_question_state"),
            {"run_id": str(question.run_id), "rule": question.rule},
        )
        row = cursor.fetchone()
    if row is None:
        raise GuardStop(f"rule {question.rule}: the set that was asked about is not there any more")
    state, digest, policy_digest, asked, started_at, now = row
    require_four_eyes(by, requested_by, asked)
    if state != "waiting":
        raise GuardStop(
            f"rule {question.rule}: the set does not wait for an answer any more, it is {state}"
        )
    if bytes(digest) != question.digest or bytes(policy_digest) != question.policy_digest:
        raise GuardStop(
            f"rule {question.rule}: the set is not the one that was asked about; its digest changed"
        )
    zone = ZoneInfo(policy.policy.time_zone)
    if now.astimezone(zone).date() > last_day(policy, started_at):
        raise GuardStop(
            f"rule {question.rule}: the question has expired on {last_day(policy, started_at)}; "
            "tonight's plan asks again"
        )
