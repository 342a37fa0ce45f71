"""The question that a person can judge: what waits, why, what is usual, who is among them.

A question names counts and days, never anybody. It is about one frozen set, by its digest; an
answer is only taken while that very set still waits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg2
from psycopg2 import errorcodes, extensions

from lethe.catalogue.graph import Graph
from lethe.errors import (
    ConfigurationError,
    GuardStop,
    UsageError,
    WarehouseRefused,
    describe_database_error,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.approval import record_decision
from lethe.guards.frozen import FlagCount, count_flags
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.periods import end_of

Decision = Literal["approve", "reject"]
DECISIONS: tuple[Decision, ...] = ("approve", "reject")
_HISTORY_NIGHTS = 90


@dataclass(frozen=True, slots=True)
class Question:
    """May this frozen set be worked off?

    due              subjects in the set
    usual            median of the last nights, of which there are `nights`
    newest_activity  day of the newest row that hangs on anybody in the set
    expires_on       last day on which an answer is taken; after it the set counts as rejected
    """

    run_id: UUID
    rule: str
    title: str
    clause: str
    cluster: str
    kind: str
    as_of: date
    policy: str
    version: str
    policy_digest: bytes
    due: int
    oldest_on: date | None
    newest_on: date | None
    usual: float | None
    nights: int
    over_limit: str
    flags: tuple[FlagCount, ...]
    newest_activity: date | None
    digest: bytes
    requested_by: str | None
    expires_on: date

    def as_data(self) -> dict[str, Any]:
        """The question as JSON data."""
        return {
            "run_id": str(self.run_id),
            "rule": self.rule,
            "title": self.title,
            "clause": self.clause,
            "cluster": self.cluster,
            "subject": self.kind,
            "as_of": self.as_of.isoformat(),
            "policy": self.policy,
            "version": self.version,
            "policy_digest": self.policy_digest.hex(),
            "due": self.due,
            "oldest_due_on": _iso(self.oldest_on),
            "newest_due_on": _iso(self.newest_on),
            "usual": self.usual,
            "nights": self.nights,
            "over_limit": self.over_limit,
            "flags": [
                {"flag": flag.name, "title": flag.title, "subjects": flag.count}
                for flag in self.flags
            ],
            "newest_activity_on": _iso(self.newest_activity),
            "digest": self.digest.hex(),
            "requested_by": self.requested_by,
            "expires_on": self.expires_on.isoformat(),
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Question:
        """Read a question that travelled as data, for instance through Airflow."""
        return cls(
            UUID(data["run_id"]),
            data["rule"],
            data["title"],
            data["clause"],
            data["cluster"],
            data["subject"],
            date.fromisoformat(data["as_of"]),
            data["policy"],
            data["version"],
            bytes.fromhex(data["policy_digest"]),
            data["due"],
            _day(data["oldest_due_on"]),
            _day(data["newest_due_on"]),
            data["usual"],
            data["nights"],
            data["over_limit"],
            tuple(FlagCount(f["flag"], f["title"], f["subjects"]) for f in data["flags"]),
            _day(data["newest_activity_on"]),
            bytes.fromhex(data["digest"]),
            data["requested_by"],
            date.fromisoformat(data["expires_on"]),
        )


def build_questions(
    connection: extensions.connection, graph: Graph, run_id: UUID
) -> list[Question]:
    """Ask about every rule of a run that waits, and keep its figures beside the rule.

    connection  in a transaction of the runner; the caller commits
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/read_waiting"), {"run_id": str(run_id)})
        rows = cursor.fetchall()
    return [_question(connection, graph, run_id, row) for row in rows]


def as_markdown(questions: Sequence[Question], lists: dict[str, str] | None = None) -> str:
    """Write questions as a table for Airflow's Required Actions.

    lists  rule → file with its sortable list
    """
    lines = [
        "| rule | clause | due | usual | oldest due | newest due | newest activity | why it waits "
        "| among them |",
        "|---|---|---:|---:|---|---|---|---|---|",
    ]
    for each in questions:
        flags = ", ".join(f"{flag.count} × {flag.title}" for flag in each.flags if flag.count)
        usual = "–" if each.usual is None else f"{each.usual:g} ({each.nights} nights)"
        cells = (
            f"**{each.rule}**: {each.title}",
            each.clause,
            f"{each.due:,}",
            usual,
            str(each.oldest_on or "–"),
            str(each.newest_on or "–"),
            str(each.newest_activity or "–"),
            each.over_limit,
            flags or "nothing flagged",
        )
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    for each in questions:
        where = (lists or {}).get(each.rule)
        listed = f" · list of tokens: `{where}`" if where else ""
        lines.append(
            f"\n`{each.rule}` of {each.as_of}, edition {each.version}: digest "
            f"`{each.digest.hex()}`, answer until {each.expires_on}{listed}"
        )
    return "\n".join(lines)


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
    try:
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
        batch = EvidenceBatch(connection, question.run_id, witness)
        batch.add_rows(
            [
                LedgerRow(
                    "plan_approved" if decision == "approve" else "plan_rejected",
                    {"rule": question.rule, "digest": question.digest.hex(), "by": by},
                )
            ]
        )
        batch.commit()
    except psycopg2.Error as error:
        connection.rollback()
        if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
            raise ConfigurationError(
                "only the approver decides, and this user is not one: use the connection "
                "'lethe_approver'"
            ) from None
        raise WarehouseRefused(
            f"the decision was not recorded: {describe_database_error(error)}", error.pgcode
        ) from None


def require_approver(policy: Policy, by: str) -> None:
    """Refuse whoever the policy does not name as an approver."""
    named = [approver.user for approver in policy.guards.approvers]
    if by not in named:
        raise GuardStop(
            f"'{by}' may not decide; the policy names: {', '.join(named) or 'nobody'} "
            "(guards.approvers)"
        )


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


def _question(
    connection: extensions.connection, graph: Graph, run_id: UUID, row: Sequence[Any]
) -> Question:
    name, version, policy_digest, as_of, requested_by, started_at, rule, kind = row[:8]
    cluster, clause, counts, oldest_on, newest_on, over_limit, digest = row[8:]
    history = _history(connection, name, rule, as_of)
    usual = float(median(history)) if history else None
    flags, newest_activity = count_flags(connection, graph, run_id, rule, as_of)
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/write_flags"),
            {
                "run_id": str(run_id),
                "rule": rule,
                "usual": usual,
                "flags": json.dumps(
                    {
                        "risk": {flag.name: flag.count for flag in flags},
                        "newest_activity_on": _iso(newest_activity),
                    }
                ),
            },
        )
    return Question(
        run_id,
        rule,
        _english(graph.policy.rules[rule].title),
        clause,
        cluster,
        kind,
        as_of,
        name,
        version,
        bytes(policy_digest),
        int(counts.get("due", 0)),
        oldest_on,
        newest_on,
        usual,
        len(history),
        over_limit or "",
        flags,
        newest_activity,
        bytes(digest),
        requested_by,
        _last_day(graph.policy, started_at),
    )


def _history(
    connection: extensions.connection, policy_name: str, rule: str, before: date
) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/read_history"),
            {
                "policy_name": policy_name,
                "rule": rule,
                "before": before,
                "nights": _HISTORY_NIGHTS,
            },
        )
        return [int(row[1]) for row in cursor.fetchall()]


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
    if now.astimezone(zone).date() > _last_day(policy, started_at):
        raise GuardStop(
            f"rule {question.rule}: the question has expired on {_last_day(policy, started_at)}; "
            "tonight's plan asks again"
        )


def _last_day(policy: Policy, started_at: datetime) -> date:
    begun = started_at.astimezone(ZoneInfo(policy.policy.time_zone)).date()
    return end_of(begun, policy.guards.approval_timeout)


def _english(text: dict[Any, str]) -> str:
    return text.get("en") or next(iter(text.values()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
