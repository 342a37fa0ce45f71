"""The report: which are due, made, sent."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk import get_current_context, task

from lethe.tasks.alarms import sound_all_clear
from lethe.tasks.ground import day_of_run, kind_of_run, note, on_record, the_site, told

log = logging.getLogger(__name__)


@task
def plan_reports() -> list[dict[str, str]]:
    """Name the reports that are due: the day's, and on the first of a month that of the last one.

    A run that comes by the clock has nothing to do if the assets brought the report already, nor
    for a day on which this warehouse did not know Lethe yet.
    """
    from lethe.reporting.due import due_reports
    from lethe.reporting.facts import first_day
    from lethe.reporting.mail.outbox import was_sent

    context = get_current_context()
    kind = kind_of_run(context["dag_run"].run_type)
    asked = context["params"].get("periods") or [] if kind == "manual" else []
    with told():
        site = the_site()
        name = site.loaded.policy.policy.name
        with site.connected("reader") as connection:
            due = due_reports(
                day_of_run(site),
                asked=asked,
                by_clock=kind == "scheduled",
                since=first_day(connection, site.loaded.policy),
                was_sent=partial(was_sent, connection, name),
            )
    return [{"period": period, "last": last.isoformat()} for period, last in due]


@task(map_index_template="{{ title }}")
def make_report(report: dict[str, str]) -> dict[str, Any]:
    """Gather the facts, build the Summary, write every file, keep the Summary for the page.

    Returns  verdict, also said in words, folder: what the run shows in Airflow
    """
    from datetime import UTC, date, datetime
    from typing import cast

    from lethe.reporting.facts import Period
    from lethe.reporting.files import make_report as make
    from lethe.reporting.headline import headline, verdict

    context = get_current_context()
    context["title"] = f"{report['period']} {report['last']}"  # type: ignore[typeddict-unknown-key]
    with told():
        site, last = the_site(), date.fromisoformat(report["last"])
        period = cast(Period, report["period"])
        with on_record(site, "report", last, "" if period == "day" else period):
            made = make(site, period, last, datetime.now(UTC))
    said = headline(made.summary, "en")
    log.info("%s: %s; files in %s", report["period"], said, made.folder.name)
    note(f"{report['period']} {report['last']}: {said}")
    if made.no_pack:
        log.warning("No evidence pack: %s", made.no_pack)
    return {
        **report,
        "verdict": made.summary.verdict,
        "said": verdict(made.summary, "en"),
        "needs": made.summary.needs,
        "folder": str(made.folder),
        "files": [file.name for file in made.files],
    }


@task(map_index_template="{{ title }}")
def send_report(made: dict[str, Any]) -> dict[str, int]:
    """Send a report to everybody whom the policy names; nobody gets it twice.

    Returns  outcome → mails
    """
    from pathlib import Path
    from textwrap import shorten

    from lethe.reporting.files import read_report
    from lethe.reporting.mail.sending import send_report as send

    context = get_current_context()
    # Airflow keeps 250 characters of a name; the whole headline stands in the note on the run.
    title = f"{made['period']} {made['last']}: {shorten(made['said'], 120, placeholder=' …')}"
    context["title"] = title  # type: ignore[typeddict-unknown-key]
    if not context["params"].get("send", True):
        log.info("The form asked for the files alone: nothing is sent")
        return {}
    by_clock = kind_of_run(context["dag_run"].run_type) == "scheduled"
    sound_all_clear()
    with told():
        sent = send(
            the_site(),
            read_report(Path(made["folder"])),
            base_url=address_of_page(),
            may_correct=not by_clock,
        )
    log.info("Mails of the report: %s", sent.outcomes)
    return sent.outcomes


def address_of_page() -> str | None:
    """Where people reach the page, with Airflow's menu around it; None if nobody has said."""
    from airflow.configuration import conf

    address = (conf.get("api", "base_url", fallback="") or "").strip().rstrip("/")
    return f"{address}/plugin/lethe" if address else None


def report_alarms() -> list[Any]:
    """Ring if a run of the report is not done three quarters of an hour after it began."""
    from airflow.sdk.definitions.callback import SyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

    return [
        DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=timedelta(minutes=45),
            callback=SyncCallback(ring_for_report),
        )
    ]


def ring_for_report(context: dict[str, Any]) -> None:
    """Say by mail that the report is late: silence must not look like good news."""
    from lethe.reporting.alarm import is_rehearsal, send_alarm
    from lethe.reporting.words import LANGUAGES, wording

    run = context["dag_run"]
    subject, text = {}, {}
    for language in LANGUAGES:
        words = wording(language, "report")
        subject[language] = words.say("alarm.report_late.subject")
        text[language] = words.say("alarm.report_late.text")
        engineer = words.say("alarm.report_late.engineer", run=run["dag_run_id"])
        text[language] += f"\n\n{engineer}"
    site = the_site()
    told_people = send_alarm(site.loaded.policy, subject, text, rehearsal=is_rehearsal(site))
    log.error("The report is late. People told by mail: %s", told_people)
