"""Failures and delays, told to people."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from lethe.tasks.ground import the_site

log = logging.getLogger(__name__)
_NAMES = ("rule", "document", "suite", "piece", "title")
"""Where a mapped task says what it is about."""


def late_alarms() -> list[Any]:
    """One alarm a night, at the hour that the policy names; `ring_if_late` judges then.

    No DAG file reads the policy: the hour is looked up when a run is made.
    """
    from airflow.sdk.definitions.callback import SyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert
    from lethe_ui import SweepDoneBy

    return [
        DeadlineAlert(
            name="done by the hour of the policy",
            reference=SweepDoneBy(),
            interval=timedelta(0),
            callback=SyncCallback(ring_if_late),
        )
    ]


def due_hour(run_after: datetime) -> datetime | None:
    """Say by when a night that begins then should be done; None: it begins after that hour.

    Asked while Airflow makes a run: whatever is wrong with the policy must not stop that. The
    alarm then comes after three hours.
    """
    from lethe.errors import LetheError
    from lethe.retention.late import hour_of

    try:
        return hour_of(the_site().loaded.policy, run_after)
    except (LetheError, OSError) as error:
        log.error("The policy does not tell the hour: %s", type(error).__name__)
        return run_after + timedelta(hours=3)


def ring_if_late(context: dict[str, Any]) -> None:
    """Raise an alarm, once a night, if it is past `guards.done_by` and the sweep is not done."""
    from datetime import UTC

    from lethe.errors import LetheError
    from lethe.reporting.mail.late import tell_late
    from lethe.retention.late import find_delay, note_delay

    run = context["dag_run"]
    if run["run_type"] == "manual" and (run.get("conf") or {}).get("dry_run", True):
        return
    site = the_site()
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
    told = tell_late(site, delay)
    log.error(
        "The night of %s should have been done by %s and is not (run %s). People told by mail: %s",
        delay.night,
        delay.done_by,
        delay.name,
        told,
    )


def sound_all_clear() -> None:
    """Tell those who heard that a night was late that it is done; no task fails of it."""
    from lethe.errors import LetheError
    from lethe.reporting.mail.late import tell_done

    try:
        if told := tell_done(the_site()):
            log.info("A late night is done. People told by mail: %s", told)
    except LetheError as error:
        log.error("The all-clear of a late night could not be sent: %s", error)


def tell_failure(context: Any) -> None:
    """Tell the engineer of a failed task in one paragraph: what, why, and what to do now.

    In the log, and by mail to those who take failures.
    """
    from lethe.errors import LetheError
    from lethe.reporting.alarm import is_rehearsal, send_alarm
    from lethe.reporting.words import LANGUAGES, wording

    ti, error = context["ti"], context.get("exception")
    named = next((context[name] for name in _NAMES if context.get(name)), None)
    if isinstance(named, dict):
        named = named.get("title")
    # What a library says may carry a value of a row: of those only the kind is told.
    safe = type(error).__module__.startswith(("lethe.", "airflow."))
    why = (str(error) if safe else f"{type(error).__name__}").strip().rstrip(".")
    subject, text = {}, {}
    for language in LANGUAGES:
        words = wording(language, "report")
        duty = words.code("duty", ti.dag_id)
        subject[language] = words.say("alarm.task.subject", duty=duty)
        text[language] = words.say("alarm.task.text", duty=duty)
        text[language] += "\n\n" + words.say(
            "alarm.task.engineer",
            task=ti.task_id,
            named=f" [{named}]" if named else "",
            dag=ti.dag_id,
            run=ti.run_id,
            why=why,
        )
        if url := getattr(ti, "log_url", None):
            text[language] += "\n\n" + words.say("alarm.task.where", url=url)
    log.error("%s", text["en"])
    try:
        site = the_site()
        rehearsal = is_rehearsal(site)
        send_alarm(site.loaded.policy, subject, text, kind="failure", rehearsal=rehearsal)
    except LetheError as fault:
        log.error("The failure could not be told by mail: %s", fault)


MANNERS = {
    "owner": "dpo",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "on_failure_callback": tell_failure,
}
"""Default arguments of every DAG: what a warehouse refused is tried again, and a failure told."""
