"""Subjects that no rule can date: after a while they make their clause 'not kept'.

Who has no usable starting point, or dates that were refused, stays and is counted every night.
Once a reason has stood for `undecided_after` without a night that had none, the clause of the rule
is not kept, until a named person decides what is to be done, and again from his review date on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg2 import extensions

from lethe.errors import (
    UsageError,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.answers import require_approver
from lethe.guards.approval import deciding
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.model.places import Undecided
from lethe.policy.periods import Period, end_of

NO_START = "no starting point"
NO_PERIOD = "no period"


def expiry_rule(kind: str) -> str:
    """The name of the archive's expiry among the rules of a run; no key of a policy is like it."""
    return f"archive:{kind}"


def expiry_rules(policy: Policy) -> dict[str, str]:
    """Expiry of the archive by kind of subject: its name, and the clause that it keeps."""
    archive = policy.archive
    if archive is None:
        return {}
    kinds = {document.subject for document in archive.documents.values()}
    return {expiry_rule(kind): archive.clause for kind in sorted(kinds)}


@dataclass(frozen=True, slots=True)
class Decided:
    """What a named person decided about a reason of refusal."""

    decision: str
    reason: str
    review_on: date
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Subjects of one rule that are refused for one reason, tonight and since when.

    rule      the rule, or the cluster that has no rule
    subjects  how many tonight; None for a cluster without a period
    since     first night of the unbroken series
    until     last day on which the clause is still kept for all that
    """

    rule: str
    clause: str | None
    reason: str
    subjects: int | None
    since: date
    until: date
    decided: Decided | None = None

    def is_kept(self, as_of: date) -> bool:
        """Young enough, or decided and not up for review yet."""
        if as_of <= self.until:
            return True
        return self.decided is not None and as_of <= self.decided.review_on

    def sentence(self) -> str:
        """The refusal in words, counts and days only."""
        whom = "" if self.subjects is None else f"{self.subjects} subjects, "
        return f"{self.rule}: {whom}{self.reason} since {self.since}"


def read_refusals(connection: extensions.connection, policy: Policy, as_of: date) -> list[Refusal]:
    """Read what stands undecided at the last night up to `as_of`, by rule and reason."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/read_refusals"),
            {"policy_name": policy.policy.name, "as_of": as_of},
        )
        rows = cursor.fetchall()
        cursor.execute(statement("guards/read_decisions"))
        decisions = {(row[0], row[1]): Decided(*row[2:]) for row in cursor.fetchall()}
    found = [
        Refusal(
            rule,
            clause,
            reason,
            int(subjects),
            since,
            end_of(since, waiting_time(policy.undecided_after, reason)),
            decisions.get((rule, reason)),
        )
        for rule, clause, reason, subjects, since in rows
        if rule in policy.rules or rule in expiry_rules(policy)
    ]
    return found + _without_period(policy, decisions, _first_seen(connection, policy))


def not_kept(refusals: Iterable[Refusal], as_of: date) -> dict[str, list[Refusal]]:
    """Gather by clause what makes it 'not kept'."""
    clauses: dict[str, list[Refusal]] = {}
    for refusal in refusals:
        if not refusal.is_kept(as_of):
            clauses.setdefault(refusal.clause or "", []).append(refusal)
    return clauses


def waiting_time(undecided: Undecided, reason: str) -> Period:
    """How long a reason may stand: dates that were refused less long than none at all."""
    return undecided.default if reason in (NO_START, NO_PERIOD) else undecided.refused_dates


def decide(
    connection: extensions.connection,
    policy: Policy,
    *,
    rule: str,
    about: str,
    decision: str,
    reason: str,
    review_on: date,
    by: str,
    as_of: date,
    witness: Witness | None = None,
) -> None:
    """Record what is to be done about subjects that a rule cannot date, and commit.

    connection  in a transaction that acts as the approver
    about       the reason of refusal, such as 'no starting point'
    """
    if rule not in {*policy.rules, *policy.clusters, *expiry_rules(policy)}:
        raise UsageError(f"the policy has no rule or cluster '{rule}'")
    if not about.strip() or not decision.strip() or not reason.strip():
        raise UsageError("say what is decided, about which reason of refusal, and why")
    if review_on <= as_of:
        raise UsageError(f"the review date {review_on} has passed; name a later day")
    require_approver(policy, by)
    with deciding(connection):
        with connection.cursor() as cursor:
            cursor.execute(
                statement("guards/add_decision"),
                {
                    "rule": rule,
                    "about": about,
                    "decision": decision,
                    "reason": reason,
                    "review_on": review_on,
                    "by": by,
                },
            )
        batch = EvidenceBatch(connection, None, witness)
        payload = {"rule": rule, "about": about, "review_on": review_on.isoformat(), "by": by}
        batch.add_rows([LedgerRow("undecided_decided", payload)])
        batch.commit()


def _without_period(
    policy: Policy, decisions: Mapping[tuple[str, str], Decided], since: date | None
) -> list[Refusal]:
    """Clusters for which the policy itself has no period yet."""
    if since is None:
        return []
    until = end_of(since, policy.undecided_after.default)
    return [
        Refusal(name, None, NO_PERIOD, None, since, until, decisions.get((name, NO_PERIOD)))
        for name, cluster in policy.clusters.items()
        if cluster.undecided is not None
    ]


def _first_seen(connection: extensions.connection, policy: Policy) -> date | None:
    """When this policy was first seen here: a cluster may not hide in a fresh edition."""
    if not any(cluster.undecided for cluster in policy.clusters.values()):
        return None
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/read_first_edition"), {"name": policy.policy.name})
        row: Sequence[date | None] | None = cursor.fetchone()
    return row[0] if row else None
