"""Tasks of re-identification: an approval by a second person, and nothing else.

No pseudonym and no value comes near Airflow: a case is named by its digest.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context, task

from lethe.tasks.ground import day_of_run, the_site, told

log = logging.getLogger(__name__)


@task
def describe_case() -> list[dict[str, Any]]:
    """Ask about the case that the form names by its digest.

    Returns  one question: subject, body (Markdown), assigned_users, data
    """
    from lethe.pseudonymisation.key_life import log_room
    from lethe.pseudonymisation.reveal import describe

    with told():
        site = the_site()
        digest = str(get_current_context()["params"]["digest"])
        with log_room(site, day_of_run(site)) as room:
            return [describe(room, digest)]


@task(trigger_rule="all_done", map_index_template="{{ case }}")
def record_case(question: dict[str, Any]) -> str:
    """Record the answer in the warehouse, under the approver's own database role.

    Airflow's word alone is not enough: an answer without a person, or by whoever asked, approves
    nothing.
    """
    from lethe.errors import GuardStop
    from lethe.pseudonymisation.key_life import log_room
    from lethe.pseudonymisation.reveal import approve

    context = get_current_context()
    context["case"] = question["data"]["case"]  # type: ignore[typeddict-unknown-key]
    asked = context["ti"]
    said = asked.xcom_pull(task_ids="ask_approvers", map_indexes=asked.map_index) or {}
    who = said.get("responded_by_user") or {}
    person = (who.get("id") or who.get("name")) if isinstance(who, dict) else str(who)
    if said.get("chosen_options") != ["Approve"]:
        log.info("Case %s was not approved", question["data"]["case"])
        return "reject"
    with told():
        if not person:
            raise GuardStop("the question was closed without anybody's answer; nothing is approved")
        site = the_site()
        with log_room(site, day_of_run(site)) as room:
            approve(room, question["data"]["digest"], str(person), str(person))
    log.info("Case %s is approved by %s", question["data"]["case"], person)
    return "approve"
