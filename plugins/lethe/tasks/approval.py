"""Tasks that ask people and record what they say."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import get_current_context, task

from lethe.tasks.ground import the_site, told

log = logging.getLogger(__name__)


@task
def list_questions() -> list[dict[str, Any]]:
    """Ask about every set that waits: one question a rule, with what a person needs to judge."""
    from lethe.archive import approvals
    from lethe.retention.approved import open_questions

    with told():
        site = the_site()
        return [*open_questions(site), *approvals.open_questions(site)]


def ask_approvers(questions: Any) -> Any:
    """One Required Action a question; it closes after a day: the next plan took its place.

    What nobody answered erases nothing: the next night asks about its own set, and what nobody
    answered within `guards.approval_timeout` counts as rejected in the warehouse.
    """
    from airflow.providers.standard.operators.hitl import HITLOperator

    asked = HITLOperator.partial(  # noqa: AIR001
        task_id="ask_approvers",
        options=["Approve", "Reject"],
        defaults="Reject",
        response_timeout=timedelta(days=1),
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
    with told():
        decision = record(the_site(), data, answer)
    log.info("Rule %s of %s: %s", data["rule"], data["as_of"], decision)
    return decision


@task
def tell_answers(decisions: list[str]) -> dict[str, int]:
    """Count the answers; the run fails here if one of them could not be recorded."""
    from collections import Counter

    counted = dict(Counter(decisions))
    log.info("Answers: %s", counted)
    return counted
