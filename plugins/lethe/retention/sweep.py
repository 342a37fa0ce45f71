"""The whole sweep in one call: what the command line runs, and what the DAG does task by task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from uuid import UUID

from lethe.catalogue.site import Site
from lethe.errors import (
    GuardStop,
    LetheError,
    WarehouseRefused,
)
from lethe.evidence.runs import Run
from lethe.retention.approved import open_rules, work_off
from lethe.retention.approving import approve_digest, identify_approver
from lethe.retention.night_close import close_night, close_stopped
from lethe.retention.night_guard import guard_night, settle_night
from lethe.retention.night_work import erase_rule, verify_night
from lethe.retention.plan import freeze_plan
from lethe.retention.readiness import note_canaries
from lethe.retention.refresh import refresh_views
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
    canaries: Mapping[str, str] | None = None,
    inspect: Callable[[UUID], object] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """Plan, guard, erase, verify and close; begun again, it goes on where it was.

    approve      hexadecimal digest of a rule or of the whole plan, as `sweep plan` shows it
    approved_by  a named approver; '': see `identify_approver`
    canaries     what became of those that went ahead, for the record
    inspect      looks at the inputs of the frozen plan, and stops rules before the guard
    tell         hears one line a step
    Raises       GuardStop, VerificationError, WarehouseRefused
    """
    approver = identify_approver(site, approved_by) if approve else ""
    settle_night(site, as_of)
    tell("Freezing the plan")
    # Who approves what nobody else has asked for asks for nothing more than that.
    requested_by = None if requested_by == approver else requested_by
    run_id = find_unfinished(site, as_of, rules) or freeze_plan(
        site, as_of, requested_by=requested_by, rules=rules
    )
    if canaries:
        note_canaries(site, run_id, canaries)
    inspect(run_id)
    if approve:
        approve_digest(site, run_id, approve, approver, tell)
    refused: list[LetheError] = []
    try:
        night = guard_night(site, run_id)
    except GuardStop:
        close_stopped(site, run_id)
        raise
    close_abandoned(site, run_id)
    if open_rules(site, run_id):
        tell("Working off what was approved earlier")
        try:
            work_off(site, run_id)
        except LetheError as error:
            refused.append(error)
    for rule in in_order(site, night.cleared):
        tell(f"Erasing: {rule}")
        try:
            erase_rule(site, run_id, rule)
        except WarehouseRefused as error:
            refused.append(error)
    tell("Reading back")
    run = close_night(site, run_id, verify_night(site, run_id))
    refresh_views(site, run_id)
    if refused:
        raise refused[0]
    return run
