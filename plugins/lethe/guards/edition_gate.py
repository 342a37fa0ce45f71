"""The gate of policy editions: none runs before its diff is approved, its notice has aged and its
day has come.

The first edition needs no diff: it is the one that the approver armed the warehouse with, or the
first seen after that. As long as the warehouse was never armed nothing can be erased, and editions
are only held to their first day. What is replaced by a later edition does not run again.
"""

from __future__ import annotations

from datetime import date

from psycopg2 import extensions

from lethe.errors import (
    GuardStop,
    UsageError,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.approval import deciding
from lethe.guards.editions import Edition, Editions, order_of, policy_of, read_editions
from lethe.include import statement
from lethe.policy.diff import diff_policies
from lethe.policy.load import LoadedPolicy
from lethe.policy.model import Policy
from lethe.policy.model.places import Notices
from lethe.policy.periods import notice_elapsed, notice_ends


def require_edition(connection: extensions.connection, loaded: LoadedPolicy, as_of: date) -> None:
    """Let only an edition through whose day has come and that people were told of in time.

    Raises  GuardStop with the reason and the way out
    """
    editions = read_editions(connection)
    edition = editions.find(bytes.fromhex(loaded.digest))
    if edition is None:
        raise GuardStop("this edition of the policy was never recorded here; plan again")
    reason = stopped_because(editions, edition, loaded.policy, as_of)
    if reason is not None:
        raise GuardStop(reason)


def stopped_because(
    editions: Editions, edition: Edition, policy: Policy, as_of: date
) -> str | None:
    """Say why an edition may not run at `as_of`; None if it may."""
    if edition.effective_from is None or as_of < edition.effective_from:
        return f"{edition.label} takes effect on {edition.effective_from}, not before"
    if editions.first is None:
        return None
    if edition is not editions.first:
        reason = _not_agreed(editions, edition, policy, as_of)
        if reason is not None:
            return reason
    newer = _replaced_by(editions, edition, as_of)
    if newer is not None:
        return (
            f"{edition.label} was replaced by {newer.label} on {newer.effective_from}; to go back, "
            "write it as a new edition"
        )
    return None


def approve_edition(
    connection: extensions.connection,
    digest: bytes,
    by: str,
    diff_digest: bytes,
    *,
    decision: str = "approve",
    reason: str | None = None,
    witness: Witness | None = None,
) -> Edition:
    """Record that a named approver has read the diff of an edition and decides; commits.

    connection   in a transaction that acts as the approver
    diff_digest  of the diff that the approver read, as `lethe policy diff` shows it
    Raises       UsageError, GuardStop if the diff is another one or the person is not named
    """
    if decision not in ("approve", "reject"):
        raise UsageError(f"'{decision}' is no decision; it is approve or reject")
    editions = read_editions(connection)
    edition = editions.find(digest)
    if edition is None:
        raise UsageError("no edition with that digest was seen here; see `lethe policy diff`")
    require_named(editions, edition, by)
    _require_same_diff(editions, edition, diff_digest)
    with deciding(connection):
        with connection.cursor() as cursor:
            cursor.execute(
                statement("guards/add_edition_approval"),
                {
                    "digest": diff_digest,
                    "policy_digest": digest,
                    "decision": decision,
                    "decided_by": by,
                    "reason": reason,
                },
            )
            if decision == "approve":
                cursor.execute(statement("guards/approve_edition"), {"digest": digest, "by": by})
        batch = EvidenceBatch(connection, None, witness)
        payload = {"policy": digest.hex(), "version": edition.version, "by": by}
        batch.add_rows([LedgerRow(f"edition_{decision}", {**payload, "diff": diff_digest.hex()})])
        batch.commit()
    return edition


def _not_agreed(
    editions: Editions, edition: Edition, policy: Policy | None, as_of: date
) -> str | None:
    if edition.decision == "reject":
        return f"{edition.label} was rejected by {edition.decided_by}"
    if not edition.is_approved:
        return (
            f"{edition.label} changes the policy and nobody has approved its diff; read it with "
            "`lethe policy diff OLD NEW` and have a named approver approve it"
        )
    if edition.announced_on is None:
        return f"{edition.label} was not announced: no announced_on is on record"
    days = _notice_days(editions, edition, policy)
    if not notice_elapsed(edition.announced_on, as_of, days):
        return (
            f"{edition.label} was announced on {edition.announced_on}; {days} full calendar days "
            f"have passed on {notice_ends(edition.announced_on, days)}, not before"
        )
    return None


def _notice_days(editions: Editions, edition: Edition, policy: Policy | None) -> int:
    """The longest notice promised: an edition cannot shorten the notice of its own coming."""
    agreed = (
        policy_of(each)
        for each in editions.seen
        if each is not edition and (each.is_approved or each is editions.first)
    )
    known = [each.notices.days_before for each in (policy, *agreed) if each is not None]
    return max(known, default=Notices().days_before)


def _replaced_by(editions: Editions, edition: Edition, as_of: date) -> Edition | None:
    for each in editions.seen:
        if each is edition or order_of(each) <= order_of(edition):
            continue
        if each.effective_from is None or each.effective_from > as_of:
            continue
        if each is editions.first or _not_agreed(editions, each, policy_of(each), as_of) is None:
            return each
    return None


def require_named(editions: Editions, edition: Edition, by: str) -> None:
    """Refuse whoever neither the edition in force nor, where it names nobody, the new one names."""
    agreed = editions.agreed
    policies = [policy_of(agreed), policy_of(edition)]
    named = next((p.guards.approvers for p in policies if p and p.guards.approvers), ())
    if not named:
        raise GuardStop("the policy names no approvers; add guards.approvers to the new edition")
    if by not in {approver.user for approver in named}:
        raise GuardStop(
            f"'{by}' is no approver; the edition in force names: "
            f"{', '.join(approver.user for approver in named)}"
        )


def _require_same_diff(editions: Editions, edition: Edition, diff_digest: bytes) -> None:
    agreed = editions.agreed
    if agreed is edition:
        raise UsageError(f"{edition.label} is the one in force; there is nothing to approve")
    old, new = policy_of(agreed), policy_of(edition)
    # Where this Lethe cannot read the older one any more, the new one is approved as a whole.
    found = diff_policies(old, new).digest if old and new else edition.digest
    if found != diff_digest:
        raise GuardStop(
            f"{edition.label}: the diff that was read is not the one to the edition in force; "
            "read it again with `lethe policy diff`"
        )
