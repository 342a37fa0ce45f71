"""The hinge between DAGs and duties: one @task for each thing that a DAG may ask for.

Every other import stands inside the bodies: a DAG file is parsed every few seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, get_current_context, task

if TYPE_CHECKING:
    from datetime import date

    from lethe.catalogue.site import Site

log = logging.getLogger(__name__)

SWEPT = Asset("lethe://sweep/closed")
"""A night of the sweep was closed and sealed."""
WAITING = Asset("lethe://sweep/waiting")
"""Something is over a limit and waits for a person."""


@contextmanager
def _told() -> Iterator[None]:
    """End a task at once where trying again cannot help: a fault of policy, set-up or a guard.

    What the warehouse refused, or could not be reached for, is tried again by Airflow.
    """
    from airflow.sdk.exceptions import AirflowFailException

    from lethe.errors import AnswerIsNo, UsageError

    try:
        yield
    except (AnswerIsNo, UsageError) as error:
        raise AirflowFailException(str(error)) from None


def _site() -> Site:
    """The site of this installation; `LETHE_POLICY` names another policy file."""
    import os

    from lethe.catalogue.site import Site
    from lethe.include import include_folder

    default = include_folder() / "policy" / "mentorsig.yaml"
    return Site.at(None, os.environ.get("LETHE_POLICY") or str(default))


def _as_of(site: Site) -> date:
    """The day of the run: what the form says, else the day on which the run was due."""
    from datetime import date
    from zoneinfo import ZoneInfo

    context = get_current_context()
    asked = context["params"].get("as_of")
    if asked:
        return date.fromisoformat(asked)
    zone = ZoneInfo(site.loaded.policy.policy.time_zone)
    return context["dag_run"].run_after.astimezone(zone).date()


def _is_dry() -> bool:
    """A run by hand is dry unless its form says otherwise; a scheduled one is in earnest."""
    context = get_current_context()
    by_hand = str(context["dag_run"].run_type).endswith("manual")
    return by_hand and bool(context["params"].get("dry_run", True))


@task
def plan_sweep() -> str | None:
    """Freeze tonight's plan; a cleared task finds the same frozen set again.

    Returns  the id of the run; None for a dry run, whose plan is read aloud in the log
    """
    from lethe.retention.night import settle_night
    from lethe.retention.plan import freeze_plan, read_plan

    context = get_current_context()
    with _told():
        site = _site()
        as_of, rules = _as_of(site), context["params"].get("rules") or None
        if _is_dry():
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
    with _told():
        site = _site()
        report = check(site, UUID(night), _as_of(site), HANDED)
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
    from lethe.retention.night import guard_night
    from lethe.retention.readiness import prove_ready
    from lethe.retention.resume import close_abandoned
    from lethe.retention.waves import in_waves

    if night is None:
        return []
    with _told():
        site = _site()
        for canary, outcome in prove_ready(site, _as_of(site)).items():
            log.info("Canary %s: %s", canary, outcome)
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

    with _told():
        return [] if night is None else rest_of(_site(), UUID(night))


@task(map_index_template="{{ rule }}")
def erase_due(night: str, rule: str) -> dict[str, Any]:
    """Work off what is cleared of one rule, in batches.

    Returns  counts by outcome
    """
    from uuid import UUID

    from lethe.retention.night import erase_rule

    get_current_context()["rule"] = rule  # type: ignore[typeddict-unknown-key]
    with _told():
        tally = erase_rule(_site(), UUID(night), rule)
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

    night    the run of tonight, which is left out
    Returns  rule → subjects erased
    """
    from uuid import UUID

    from lethe.retention.approved import work_off

    with _told():
        return work_off(_site(), UUID(night) if night else None)


@task(trigger_rule="all_done", outlets=[SWEPT])
def verify_sweep(night: str | None) -> dict[str, Any] | None:
    """Read back, assert the sums, seal the evidence, write the summary.

    Returns  the summary of the night, counts only
    """
    from uuid import UUID

    from lethe.reporting.files import write_sweep_summary
    from lethe.retention.night import close_night, require_worked_off, verify_night
    from lethe.retention.readiness import destroy_files

    if night is None:
        return None
    with _told():
        site = _site()
        run = close_night(site, UUID(night), verify_night(site, UUID(night)))
        path = write_sweep_summary(run)
        log.info("Files of erased rows: %s", dict(destroy_files(site).files))
        log.info("Run %s is %s; its summary is %s", night, run.state, path.name)
        require_worked_off(run)
    return dict(run.summary)


@task(outlets=[WAITING])
def announce_waiting(summary: dict[str, Any] | None) -> list[str]:
    """Call the approval DAG if a rule waits; skipped if none does."""
    from airflow.sdk.exceptions import AirflowSkipException

    rules = (summary or {}).get("rules", ())
    waiting = [each["rule"] for each in rules if each["state"] == "waiting"]
    if not waiting:
        raise AirflowSkipException("nothing waits for approval")
    return waiting


@task
def list_questions() -> list[dict[str, Any]]:
    """Ask about every set that waits: one question a rule, with what a person needs to judge."""
    from lethe.retention.approved import open_questions

    with _told():
        return open_questions(_site())


def ask_approvers(questions: Any) -> Any:
    """One Required Action a question; without an answer in time it counts as rejected."""
    from airflow.providers.standard.operators.hitl import HITLOperator

    asked = HITLOperator.partial(  # noqa: AIR001
        task_id="ask_approvers",
        options=["Approve", "Reject"],
        defaults="Reject",
        response_timeout=timedelta(days=7),
        map_index_template="{{ task.subject }}",
        retries=0,
    )
    return asked.expand_kwargs(questions.map(_as_action))


def _as_action(question: dict[str, Any]) -> dict[str, Any]:
    return {name: question[name] for name in ("subject", "body", "assigned_users")}


@task(trigger_rule="all_done", map_index_template="{{ rule }}")
def record_answer(question: dict[str, Any]) -> str:
    """Record an answer in the warehouse, under the approver's own database role.

    Airflow's word alone is not enough: an answer without a person, or by somebody who asked for
    the run or whom the policy does not name, is refused. The answer is that of the Required Action
    with this task's own map index: answers are not counted off in a row, in which one that is
    missing would give everybody behind it the answer to another question.
    """
    from lethe.retention.approved import record

    context = get_current_context()
    data = question["data"]
    context["rule"] = data["rule"]  # type: ignore[typeddict-unknown-key]
    asked = context["ti"]
    answer = asked.xcom_pull(task_ids="ask_approvers", map_indexes=asked.map_index)
    with _told():
        decision = record(_site(), data, answer)
    log.info("Rule %s of %s: %s", data["rule"], data["as_of"], decision)
    return decision


def late_alarms() -> list[Any]:
    """Ask every half hour of the night whether it should be done by now; `ring_if_late` judges.

    The hour stands in the policy, which no DAG file reads.
    """
    from airflow.sdk.definitions.callback import SyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

    return [
        DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=timedelta(minutes=minutes),
            callback=SyncCallback(ring_if_late),
        )
        for minutes in range(30, 12 * 60 + 1, 30)
    ]


def ring_if_late(context: dict[str, Any]) -> None:
    """Raise an alarm, once a night, if it is past `guards.done_by` and the sweep is not done."""
    from datetime import UTC, datetime

    from lethe.errors import LetheError
    from lethe.reporting.alarm import send_alarm
    from lethe.retention.late import find_delay, note_delay

    run = context["dag_run"]
    if run["run_type"] == "manual" and (run.get("conf") or {}).get("dry_run", True):
        return
    site = _site()
    started = datetime.fromisoformat(run["run_after"])
    delay = find_delay(site.loaded.policy, run["dag_run_id"], started, datetime.now(UTC))
    if delay is None:
        return
    try:
        if not note_delay(site, delay):
            return
    except LetheError as error:
        # Then all the more people must hear of it.
        log.error("The alarm could not be put on the ledger: %s", error)
    told = send_alarm(site.loaded.policy, delay.subject(), delay.text())
    log.error("The night is late: %s People told by mail: %s", delay.text()["en"], told)


def tell_failure(context: Any) -> None:
    """Log one paragraph about a failed task: what, why, and what to do now."""
    ti, error = context["ti"], context.get("exception")
    named = context.get("rule")
    # What a library says may carry a value of a row: of those only the kind is told.
    safe = type(error).__module__.startswith(("lethe.", "airflow."))
    why = str(error) if safe else f"{type(error).__name__}, see the trace above"
    log.error(
        "Task %s%s of %s failed in run %s: %s. What is committed stays, with its evidence. Put "
        "right what is named here, then clear this task: the frozen set is reused and the work "
        "goes on where it was. `bin/lethe health` says how the warehouse stands.",
        ti.task_id,
        f" [{named}]" if named else "",
        ti.dag_id,
        ti.run_id,
        why.rstrip("."),
    )


MANNERS = {
    "owner": "dpo",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "on_failure_callback": tell_failure,
}
"""Default arguments of every DAG: what a warehouse refused is tried again, and a failure told."""


@task
def run_suites() -> list[dict[str, Any]]:
    """Run every suite in one process, so that Great Expectations is imported once a night.

    Returns  one document a suite: counts and states, no value
    """
    from lethe.cli.quality import HANDED
    from lethe.quality.night import run_quality

    with _told():
        site = _site()
        suites = get_current_context()["params"].get("suites") or None
        report = run_quality(site, _as_of(site), HANDED, suites=suites, tell=log.info)
    log.info("Asked %s expectations: %s", len(report.outcomes), report.counted())
    log.info("Data Docs: %s", report.docs)
    return report.by_suite()


@task(map_index_template="{{ suite }}")
def tell_suite(found: dict[str, Any]) -> dict[str, int]:
    """Say of one suite what failed; the task fails if a critical expectation did.

    Returns  state → number of expectations
    """
    from lethe.errors import AnswerIsNo

    get_current_context()["suite"] = found["suite"]  # type: ignore[typeddict-unknown-key]
    for each in found["bad"]:
        log.warning("%s (%s, %s): %s", each["key"], each["severity"], each["clause"], each["says"])
    critical = [each["key"] for each in found["bad"] if each["severity"] == "critical"]
    with _told():
        if critical:
            raise AnswerIsNo(
                f"critical: {', '.join(critical)}; see which rows with "
                f"`lethe quality rows {critical[0]}`"
            )
    return dict(found["states"])


@task
def scan_leaks(_suites: list[dict[str, Any]]) -> dict[str, Any]:
    """Look for personal values in our own outputs: Data Docs, reports, logs, mails.

    Returns  how much was looked at
    """
    from lethe.errors import AnswerIsNo
    from lethe.quality.leaks import scan_outputs

    with _told():
        found = scan_outputs(_site())
        for leak in found.leaks:
            log.warning("Leak: %s", leak)
        if not found.is_clean:
            raise AnswerIsNo(found.says)
    log.info("%s", found.says)
    return {"files": found.files, "bytes": found.size, "values": found.values}


ARCHIVED = Asset("lethe://archive/closed")
"""A night of the archive was closed and sealed: the sweep and the report may go on."""


def _plain(counts: Any) -> dict[str, Any]:
    """A frozen record of counts as a dictionary; `asdict` would count the pairs of a Counter."""
    from collections import Counter
    from dataclasses import fields

    values = {each.name: getattr(counts, each.name) for each in fields(counts)}
    return {name: dict(v) if isinstance(v, Counter) else v for name, v in values.items()}


@task
def begin_archive() -> str:
    """Begin a night of the archive: compare with the witness, seal the clocks of erased accounts.

    Returns  the id of the run
    """
    from lethe.archive.night import begin_night

    with _told():
        site = _site()
        dag_run = get_current_context()["dag_run"]
        run_id = begin_night(
            site,
            _as_of(site),
            name=dag_run.run_id,
            requested_by=getattr(dag_run, "triggering_user_name", None),
        )
    return str(run_id)


@task
def list_documents(_night: str) -> list[str]:
    """Name the kinds of documents that the policy archives."""
    from lethe.archive.night import documents_of

    with _told():
        return documents_of(_site())


@task(map_index_template="{{ document }}")
def archive_documents(night: str, document: str) -> dict[str, Any]:
    """Archive what is new or corrected of one kind of document.

    Returns  counts by outcome
    """
    from uuid import UUID

    from lethe.archive.night import capture_documents

    get_current_context()["document"] = document  # type: ignore[typeddict-unknown-key]
    with _told():
        return _plain(capture_documents(_site(), UUID(night), document))


@task
def expire_archive(night: str) -> list[dict[str, Any]]:
    """Destroy what has come to its end, as far as the guards allow.

    Returns  counts by kind of subject
    """
    from uuid import UUID

    from lethe.archive.night import expire_records

    with _told():
        expired = expire_records(_site(), UUID(night))
    for each in expired:
        if each.over_limit:
            log.warning("Expiry %s is %s: %s", each.rule, each.state, each.over_limit)
    return [_plain(each) | {"digest": each.digest.hex()} for each in expired]


@task(outlets=[ARCHIVED])
def close_archive(night: str, captured: Any, expired: Any) -> dict[str, Any]:
    """Open a sample, assert the sums, write the summary, seal the evidence.

    Returns  the summary of the night, counts only
    """
    from collections import Counter
    from uuid import UUID

    from lethe.archive.capture import Captured
    from lethe.archive.expire import Expired
    from lethe.archive.night import close_night, try_sample

    with _told():
        site = _site()
        documents = [
            Captured(**each | {name: Counter(each[name]) for name in ("outcomes", "notes")})
            for each in captured
        ]
        ends = [
            Expired(
                **each
                | {"digest": bytes.fromhex(each["digest"]), "skipped": Counter(each["skipped"])}
            )
            for each in expired
        ]
        run = close_night(site, UUID(night), documents, ends, try_sample(site))
    return dict(run.summary)
