"""Approvals at a shell: who may give them, for which set, recorded as the approver."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from uuid import UUID

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.freeze import RulePlan, plan_digest
from lethe.errors import GuardStop
from lethe.evidence.acting import open_witness_of
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness
from lethe.guards.answers import (
    find_approver,
    list_askers,
    require_four_eyes,
    settle_answers,
)
from lethe.guards.approval import deciding, record_decision
from lethe.include import statement
from lethe.retention.approved import open_rules
from lethe.retention.night import RESTORED, Night, read_night
from lethe.retention.night_guard import expired_before


def identify_approver(site: Site, said: str) -> str:
    """Name the approver at this shell.

    said    with --by; '' for the user of the system, or the login of the approver's connection
    Raises  GuardStop
    """
    with site.connected("approver") as connection:
        try:
            with deciding(connection, "approval"):
                acting_as(connection, "approver")
                policy = site.loaded.policy
                return find_approver(connection, policy, said or None, getpass.getuser())
        finally:
            connection.rollback()


def approve_digest(
    site: Site, run_id: UUID, text: str, by: str, tell: Callable[[str], None] = lambda _: None
) -> None:
    """Record, as the approver, the approval of a frozen set by its digest: of this run, else of an
    earlier one that still waits. What became of its subjects since then is seen at the act; who
    came since, or is due earlier, is left to this run's own set.

    by      as `identify_approver` names
    tell    hears whom the approval does not cover
    Raises  GuardStop if the digest names nothing here: the set changed since it was read
    """
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        night = read_night(connection, run_id)
        connection.rollback()
        witness = open_witness_of(site, connection)
    asked = night.run.requested_by
    named = [(run_id, rule, digest) for rule, digest in _named(night, text)]
    if named:
        _approve(site, witness, by, named, asked)
        return
    named = _waiting(site, text)
    if named:
        _approve(site, witness, by, named, asked)
        _tell_of_others(site, run_id, named, tell)
    elif not _is_approved(site, run_id, text):
        digest = plan_digest(_as_plans(night)).hex()
        raise GuardStop(
            f"no set of tonight's plan, and none that waits, has the digest {text}: rows came, or "
            f"policy or day changed since it was shown; tonight's plan has {digest}. Read it again "
            "with `lethe sweep plan`"
        )


def _tell_of_others(
    site: Site,
    run_id: UUID,
    named: Sequence[tuple[UUID, str, bytes]],
    tell: Callable[[str], None],
) -> None:
    """Say how many tonight's plan has beyond what was approved."""
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        for earlier, rule, _ in named:
            with connection.cursor() as cursor:
                cursor.execute(
                    statement("retention/compare_sets"),
                    {"older": str(earlier), "newer": str(run_id), "rule": rule},
                )
                came, sooner = cursor.fetchone() or (0, 0)
            if came or sooner:
                tell(
                    f"Rule {rule}: {came} subjects came since that set was shown and {sooner} are "
                    "due earlier; the approval does not cover them, tonight's own plan has them"
                )
        connection.rollback()


def _is_approved(site: Site, run_id: UUID, text: str) -> bool:
    """The digest names a set of an earlier run that was approved already and is worked off."""
    found = open_rules(site, run_id)
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        nights = {each: read_night(connection, each) for each, _ in found}
        connection.rollback()
    return any(rule in dict(_named(nights[each], text)) for each, rule in found)


def approve_restored(site: Site, text: str, said: str) -> None:
    """Record the approval of a set of those who were erased and are there again after a restore.

    Raises  GuardStop if no set that a replay found waits with that digest
    """
    by = identify_approver(site, said)
    with site.connected("runner") as connection:
        witness = open_witness_of(site, connection)
    named = _waiting(site, text, because=RESTORED)
    if not named:
        raise GuardStop(
            f"no set that a replay found waits with the digest {text}; what a sweep found is "
            "approved with `lethe sweep run --approve`"
        )
    _approve(site, witness, by, named)


def _waiting(site: Site, text: str, because: str | None = None) -> list[tuple[UUID, str, bytes]]:
    """The sets that wait under this policy and have that digest, or whose whole plan has it.

    because  only those that wait for this reason
    """
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        settle_answers(connection, site.loaded.policy, expired_before(site))
        with connection.cursor() as cursor:
            cursor.execute(
                statement("retention/list_waiting_runs"),
                {"policy_name": site.edition[0], "policy_digest": site.digest},
            )
            runs = [UUID(str(row[0])) for row in cursor.fetchall()]
        nights = [read_night(connection, run_id) for run_id in runs]
        connection.commit()
    waiting = [
        (
            night,
            {
                r.rule
                for r in night.rules
                if r.state == "waiting" and because in (None, r.over_limit)
            },
        )
        for night in nights
    ]
    return [
        (night.run.run_id, rule, digest)
        for night, rules in waiting
        for rule, digest in _named(night, text)
        if rule in rules
    ]


def _approve(
    site: Site,
    witness: Witness,
    by: str,
    named: Sequence[tuple[UUID, str, bytes]],
    asked: str | None = None,
) -> None:
    """Record it, unless the approver asked for these sets himself, now or earlier."""
    with site.connected("approver") as connection, deciding(connection, "approval"):
        acting_as(connection, "approver")
        askers = list_askers(connection, [digest for _, _, digest in named])
        require_four_eyes(by, asked, *askers)
        for run_id, rule, digest in named:
            record_decision(
                connection,
                digest=digest,
                policy_digest=site.digest,
                decision="approve",
                decided_by=by,
                run_id=run_id,
                rule=rule,
            )
        evidence = EvidenceBatch(connection, named[0][0], witness)
        evidence.add_rows(
            LedgerRow("plan_approved", {"rule": rule, "digest": digest.hex(), "by": by})
            for _, rule, digest in named
        )
        evidence.commit()


def _named(night: Night, text: str) -> list[tuple[str, bytes]]:
    wanted = text.strip().lower()
    if plan_digest(_as_plans(night)).hex() == wanted:
        return [(rule.rule, rule.digest) for rule in night.rules]
    return [(rule.rule, rule.digest) for rule in night.rules if rule.digest.hex() == wanted]


def _as_plans(night: Night) -> list[RulePlan]:
    return [
        RulePlan(rule.rule, rule.clause, rule.cluster, rule.kind, rule.digest)
        for rule in night.rules
    ]
