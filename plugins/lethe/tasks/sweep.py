"""Tasks of the sweep."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context, task

from lethe.tasks.alarms import sound_all_clear
from lethe.tasks.assets import SWEPT, WAITING
from lethe.tasks.ground import day_of_run, is_dry, note, the_site, told

log = logging.getLogger(__name__)


@task
def plan_sweep() -> str | None:
    """Freeze tonight's plan; a cleared task finds the same frozen set again.

    Returns  the id of the run; None for a dry run, whose plan is read aloud in the log
    """
    from lethe.retention.night_guard import settle_night
    from lethe.retention.plan import freeze_plan, read_plan

    context = get_current_context()
    with told():
        site = the_site()
        as_of, rules = day_of_run(site), context["params"].get("rules") or None
        if is_dry():
            for plan in read_plan(site, as_of, rules).rules:
                log.info("Dry run: rule %s at %s: %s", plan.rule, as_of, dict(plan.counts))
            return None
        settle_night(site, as_of)
        dag_run = context["dag_run"]
        run_id = freeze_plan(
            site,
            as_of,
            name=dag_run.run_id,
            requested_by=getattr(dag_run, "triggering_user_name", None),
            rules=rules,
        )
    log.info("Froze the plan of %s as run %s", as_of, run_id)
    return str(run_id)


@task
def check_inputs(night: str | None) -> str | None:
    """Ask the input suites: dates, links, archive; a critical failure stops the rules it touches.

    Returns  the run, for the guard
    """
    from uuid import UUID

    from lethe.cli.quality import HANDED
    from lethe.quality.inputs import check_inputs as check
    from lethe.quality.inputs import stops

    if night is None:
        return None
    with told():
        site = the_site()
        report = check(site, UUID(night), day_of_run(site), HANDED)
    for rule, reason in stops(report).items():
        log.warning("Rule %s is stopped: %s", rule, reason)
    log.info("Asked %s expectations about the inputs", len(report.outcomes))
    return night


@task
def guard_sweep(night: str | None) -> list[str]:
    """Ask every guard; while the warehouse is report-only, nothing is cleared.

    Returns  the cleared rules that wait for no other rule
    """
    from uuid import UUID

    from lethe.errors import GuardStop
    from lethe.retention.night_guard import guard_night
    from lethe.retention.readiness import note_canaries, prove_ready
    from lethe.retention.resume import close_abandoned
    from lethe.retention.waves import in_waves

    if night is None:
        return []
    with told():
        site = the_site()
        canaries = prove_ready(site, day_of_run(site))
        for canary, outcome in canaries.items():
            log.info("Canary %s: %s", canary, outcome)
        note_canaries(site, UUID(night), canaries)
        try:
            guarded = guard_night(site, UUID(night))
        except GuardStop as stop:
            log.warning("Nothing is erased tonight: %s", stop)
            return []
        close_abandoned(site, UUID(night))
        for planned in guarded.rules:
            if planned.over_limit:
                log.warning("Rule %s is %s: %s", planned.rule, planned.state, planned.over_limit)
        return in_waves(site, guarded)[0]


@task(trigger_rule="none_failed")
def list_rest(night: str | None) -> list[str]:
    """Name the cleared rules that waited for others."""
    from uuid import UUID

    from lethe.retention.waves import rest_of

    with told():
        return [] if night is None else rest_of(the_site(), UUID(night))


@task(map_index_template="{{ rule }}")
def erase_due(night: str, rule: str) -> dict[str, Any]:
    """Work off what is cleared of one rule, in batches.

    Returns  counts by outcome
    """
    from uuid import UUID

    from lethe.retention.night_work import erase_rule

    get_current_context()["rule"] = rule  # type: ignore[typeddict-unknown-key]
    with told():
        tally = erase_rule(the_site(), UUID(night), rule)
    return {
        "erased": tally.done,
        "skipped": dict(tally.skipped),
        "quarantined": dict(tally.quarantined),
        "batches": tally.batches,
        "longest_ms": round(tally.longest_ms),
    }


@task(trigger_rule="none_failed")
def work_off_approved(night: str | None = None) -> dict[str, int]:
    """Work off sets that were approved earlier: oldest first, at most the cap a night.

    night    the run of tonight, which is left out; None: outside a night, where the expiry of the
             archive is worked off too
    Returns  rule → subjects erased, or documents destroyed
    """
    from uuid import UUID

    from lethe.archive import approvals
    from lethe.retention.approved import work_off

    with told():
        site = the_site()
        if night is not None:
            return work_off(site, UUID(night))
        return work_off(site, None) | approvals.work_off(site)


@task(trigger_rule="all_done", outlets=[SWEPT])
def verify_sweep(night: str | None) -> dict[str, Any] | None:
    """Read back, assert the sums, seal the evidence, write the summary.

    Returns  the summary of the night, counts only
    """
    from uuid import UUID

    from lethe.errors import UsageError
    from lethe.reporting.night_file import sweep_in_words, write_sweep_summary
    from lethe.retention.night_close import close_night, require_worked_off
    from lethe.retention.night_work import verify_night
    from lethe.retention.readiness import destroy_files
    from lethe.retention.refresh import refresh_views

    with told():
        if night is None:
            if is_dry():
                return None
            # Everything behind would be skipped, and the run of a night without a plan be green.
            raise UsageError("there is no plan; the log of plan_sweep says why")
        site = the_site()
        run = close_night(site, UUID(night), verify_night(site, UUID(night)))
        path = write_sweep_summary(run)
        for view, outcome in refresh_views(site, UUID(night)).items():
            log.info("Materialised view %s: %s", view, outcome)
        log.info("Files of erased rows: %s", dict(destroy_files(site).files))
        log.info("Run %s is %s; its summary is %s", night, run.state, path.name)
        note(sweep_in_words(run))
        sound_all_clear()
        require_worked_off(run)
    return dict(run.summary)


@task(outlets=[WAITING])
def announce_waiting(summary: dict[str, Any] | None) -> list[str]:
    """Call the approval DAG if a rule, or expiry of the archive, waits; else it is skipped."""
    from airflow.sdk.exceptions import AirflowSkipException

    said = summary or {}
    rules = [*said.get("rules", ()), *said.get("expiry", ())]
    waiting = [each["rule"] for each in rules if each["state"] == "waiting"]
    if not waiting:
        raise AirflowSkipException("nothing waits for approval")
    return waiting
