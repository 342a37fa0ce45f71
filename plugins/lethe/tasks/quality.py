"""Tasks of the data quality."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context, task

from lethe.tasks.assets import CHECKED
from lethe.tasks.ground import day_of_run, on_record, the_site, told

log = logging.getLogger(__name__)


@task
def run_suites() -> list[dict[str, Any]]:
    """Run every suite in one process, so that Great Expectations is imported once a night.

    Returns  one document a suite: counts and states, no value
    """
    from lethe.cli.quality import HANDED
    from lethe.quality.night import run_quality

    with told():
        site = the_site()
        suites = get_current_context()["params"].get("suites") or None
        as_of = day_of_run(site)
        with on_record(site, "quality", as_of):
            report = run_quality(site, as_of, HANDED, suites=suites, tell=log.info)
    log.info("Asked %s expectations: %s", len(report.outcomes), report.counted())
    log.info("Data Docs: %s", report.docs)
    return report.by_suite()


@task(map_index_template="{{ suite }}")
def tell_suite(found: dict[str, Any]) -> dict[str, int]:
    """Say of one suite what failed; the task fails if a critical expectation did.

    Returns  state → number of expectations
    """
    from lethe.errors import AnswerIsNo
    from lethe.quality.expectations import rows_command

    get_current_context()["suite"] = found["suite"]  # type: ignore[typeddict-unknown-key]
    for each in found["bad"]:
        log.warning("%s (%s, %s): %s", each["key"], each["severity"], each["clause"], each["says"])
    critical = [each["key"] for each in found["bad"] if each["severity"] == "critical"]
    with told():
        if critical:
            raise AnswerIsNo(
                f"critical: {', '.join(critical)}; see which rows with "
                f"`{rows_command(critical[0])}`"
            )
    return dict(found["states"])


@task(outlets=[CHECKED])
def scan_leaks(_suites: list[dict[str, Any]]) -> dict[str, Any]:
    """Look for personal values in our own outputs: Data Docs, reports, logs, mails.

    Returns  how much was looked at
    """
    from lethe.errors import AnswerIsNo
    from lethe.quality.leakreport import outcomes_of
    from lethe.quality.leaks import scan_outputs

    with told():
        site = the_site()
        found = scan_outputs(site)
        for leak in found.leaks:
            log.warning("Leak: %s", leak)
        for each in found.unread:
            log.warning("Not looked at: %s", each)
        bad = (each for each in outcomes_of(found, site.loaded.policy) if each.is_bad)
        if any(each.severity == "critical" for each in bad):
            raise AnswerIsNo(found.says)
    log.info("%s", found.says)
    return {"files": found.files, "bytes": found.size, "values": found.values}
