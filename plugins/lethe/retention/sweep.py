"""The whole sweep in one call: what the command line runs, and what the DAG does task by task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

import psycopg2

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.erasure.freeze import RulePlan, plan_digest
from lethe.errors import (
    ConfigurationError,
    GuardStop,
    WarehouseRefused,
    describe_database_error,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.runs import Run
from lethe.evidence.witness import Witness
from lethe.guards.answers import require_four_eyes
from lethe.guards.approval import record_decision
from lethe.include import statement
from lethe.retention.approved import open_rules, work_off
from lethe.retention.night import Night, read_night, witness_of
from lethe.retention.night_close import close_night, close_stopped
from lethe.retention.night_guard import guard_night, settle_night
from lethe.retention.night_work import erase_rule, verify_night
from lethe.retention.plan import freeze_plan
from lethe.retention.resume import close_abandoned, find_unfinished
from lethe.retention.waves import in_order


def run_sweep(
    site: Site,
    as_of: date,
    *,
    approve: str | None = None,
    approved_by: str = "",
    requested_by: str | None = None,
    rules: Sequence[str] | None = None,
    inspect: Callable[[UUID], object] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """Plan, guard, erase, verify and close; begun again, it goes on where it was.

    approve  hexadecimal digest of a rule or of the whole plan, as `sweep plan` shows it
    inspect  looks at the inputs of the frozen plan, and stops rules before the guard
    tell     hears one line a step
    Raises   GuardStop, VerificationError, WarehouseRefused
    """
    settle_night(site, as_of)
    tell("Freezing the plan")
    run_id = find_unfinished(site, as_of, rules) or freeze_plan(
        site, as_of, requested_by=requested_by, rules=rules
    )
    inspect(run_id)
    if approve:
        approve_digest(site, run_id, approve, approved_by)
    refused: list[WarehouseRefused] = []
    try:
        night = guard_night(site, run_id)
    except GuardStop:
        close_stopped(site, run_id)
        raise
    close_abandoned(site, run_id)
    if open_rules(site, run_id):
        tell("Working off what was approved earlier")
        work_off(site, run_id)
    for rule in in_order(site, night.cleared):
        tell(f"Erasing: {rule}")
        try:
            erase_rule(site, run_id, rule)
        except WarehouseRefused as error:
            refused.append(error)
    tell("Reading back")
    run = close_night(site, run_id, verify_night(site, run_id))
    if refused:
        raise refused[0]
    return run


def approve_digest(site: Site, run_id: UUID, text: str, by: str) -> None:
    """Record, as the approver, the approval of a frozen set of this run by its digest.

    Raises  GuardStop if the digest names nothing here: the set changed since it was read
    """
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        night = read_night(connection, run_id)
        connection.rollback()
        witness = witness_of(site, connection)
    named = _named(night, text)
    if not named:
        digest = plan_digest(_as_plans(night)).hex()
        raise GuardStop(
            f"no set of tonight's plan has the digest {text}: rows, policy or day changed since "
            f"it was shown; tonight's plan has {digest}. Read it again with `lethe sweep plan`"
        )
    _approve(site, witness, by, [(run_id, rule, digest) for rule, digest in named])


def approve_waiting(site: Site, text: str, by: str) -> None:
    """Record the approval of a set that waits, whichever run it is of.

    Raises  GuardStop if no waiting set has that digest
    """
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(
                statement("retention/list_waiting_runs"),
                {"policy_name": site.edition[0], "policy_digest": site.digest},
            )
            runs = [UUID(str(row[0])) for row in cursor.fetchall()]
        nights = [read_night(connection, run_id) for run_id in runs]
        connection.rollback()
        witness = witness_of(site, connection)
    for night in nights:
        if any(rule.digest.hex() == text.strip().lower() for rule in night.rules):
            require_four_eyes(by, night.run.requested_by)
    named = [
        (night.run.run_id, rule.rule, rule.digest)
        for night in nights
        for rule in night.rules
        if rule.state == "waiting" and rule.digest.hex() == text.strip().lower()
    ]
    if not named:
        raise GuardStop(f"no set that waits for approval has the digest {text}")
    _approve(site, witness, by, named)


def _approve(
    site: Site, witness: Witness, by: str, named: Sequence[tuple[UUID, str, bytes]]
) -> None:
    with site.connected("approver") as connection:
        try:
            acting_as(connection, "approver")
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
        except psycopg2.Error as error:
            connection.rollback()
            raise ConfigurationError(
                f"the approval was not recorded: {describe_database_error(error)}; it needs the "
                "connection 'lethe_approver', whose user is a member of lethe_approver"
            ) from None


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
