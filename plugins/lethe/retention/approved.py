"""Sets that wait for a person, and those that were approved: asked, recorded, worked off."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import GuardStop, LetheError
from lethe.evidence.acting import acting, open_witness_of
from lethe.evidence.runs import read_run, set_state
from lethe.guards.answers import answer, require_four_eyes, settle_answers
from lethe.guards.approval import find_answer
from lethe.guards.questions import Question, as_markdown, build_questions
from lethe.include import statement
from lethe.retention.night import read_night
from lethe.retention.night_close import close_night
from lethe.retention.night_guard import expired_before, settle_night
from lethe.retention.night_work import Tonight, erase_rule, verify_night
from lethe.retention.readiness import prove_ready
from lethe.retention.waiting import forget_lists, write_lists
from lethe.retention.waves import in_order

log = logging.getLogger(__name__)


def open_rules(site: Site, run_id: UUID | None) -> list[tuple[UUID, str]]:
    """Approved sets under this policy that are not worked off yet, oldest first.

    run_id  tonight's run, which is left out
    """
    name, _, digest = site.edition
    with acting(site, "reading what was approved") as connection, connection.cursor() as cursor:
        cursor.execute(
            statement("retention/list_open_rules"),
            {
                "policy_name": name,
                "policy_digest": digest,
                "run_id": str(run_id) if run_id else None,
            },
        )
        return [(UUID(str(row[0])), str(row[1])) for row in cursor.fetchall()]


def work_off(site: Site, tonight: UUID | None) -> dict[str, int]:
    """Work off approved sets of earlier runs, at most the cap of each rule; close their runs.

    Of several sets of one rule the older goes first, and the younger in a later night. A set that
    is refused does not stop the others.

    tonight  the run of this night, which is left out; None: outside of any night, so that first
             the eraser proves itself and the warehouse is compared with its witness
    Raises   the first refusal, after everything else was done
    """
    settle(site)
    night = Tonight(_day_of(site, tonight), tonight)
    if tonight is None and open_rules(site, None):
        settle_night(site, night.on)
        prove_ready(site, night.on)
    refused: list[LetheError] = []
    done: dict[str, int] = {}
    by_run: dict[UUID, list[str]] = {}
    chosen: set[str] = set()
    for run_id, rule in open_rules(site, tonight):
        if rule not in chosen:
            by_run.setdefault(run_id, []).append(rule)
        chosen.add(rule)
    for run_id, rules in by_run.items():
        _reopen(site, run_id)
        for rule in in_order(site, rules):
            try:
                done[rule] = erase_rule(site, run_id, rule, night=night).done
            except LetheError as error:
                log.error("Rule %s of run %s was not worked off: %s", rule, run_id, error)
                refused.append(error)
        try:
            close_night(site, run_id, verify_night(site, run_id), on=night.on)
        except LetheError as error:
            log.error("Run %s was not closed: %s", run_id, error)
            refused.append(error)
    if refused:
        raise refused[0]
    return done


def _day_of(site: Site, tonight: UUID | None) -> date:
    """The day whose night does the work."""
    if tonight is None:
        return site.today()
    with acting(site, "reading the night") as connection:
        return read_run(connection, tonight).as_of


def settle(site: Site) -> None:
    """Carry answers over to the sets that wait; what nobody answered in time counts as rejected."""
    with acting(site, "carrying answers over") as connection:
        settle_answers(connection, site.loaded.policy, expired_before(site))
        forget_lists(connection)
        connection.commit()


def _reopen(site: Site, run_id: UUID) -> None:
    with acting(site, "going on with a run") as connection:
        set_state(connection, run_id, "running")
        connection.commit()


def open_questions(site: Site) -> list[dict[str, Any]]:
    """Everything that waits under this policy, as Required Actions.

    Returns  for each: subject, body (Markdown), assigned_users, data (the question itself)
    """
    found: list[Question] = []
    with site.connected("runner") as connection:
        graph = site.graph(connection)
        witness = open_witness_of(site, connection)
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(
                statement("retention/list_waiting_runs"),
                {"policy_name": site.edition[0], "policy_digest": site.digest},
            )
            runs = [UUID(str(row[0])) for row in cursor.fetchall()]
        for run_id in runs:
            found += build_questions(connection, graph, run_id)
        forget_lists(connection)
        connection.commit()
        lists = write_lists(connection, graph, witness, found)
    actions = [_as_action(site, each, lists.get((each.run_id, each.rule))) for each in found]
    return [action for action in actions if action["assigned_users"]]


def _as_action(site: Site, question: Question, listed: Path | None) -> dict[str, Any]:
    users = [
        {"id": approver.user, "name": approver.name}
        for approver in site.loaded.policy.guards.approvers
        if _may_answer(approver.user, question)
    ]
    if not users:
        log.error(
            "Rule %s waits, and nobody may answer: name an approver other than '%s' in the policy "
            "(guards.approvers)",
            question.rule,
            question.requested_by,
        )
    return {
        "subject": f"Erase {question.due:,} subjects: {question.rule} as of {question.as_of}?",
        "body": as_markdown([question], {question.rule: str(listed)} if listed else None),
        "assigned_users": users,
        "data": question.as_data(),
    }


def _may_answer(user: str, question: Question) -> bool:
    try:
        require_four_eyes(user, question.requested_by)
    except GuardStop:
        return False
    return True


def record(site: Site, data: dict[str, Any], said: Mapping[str, Any] | None) -> str:
    """Record what a person answered to a question; what nobody said is refused.

    said     output of the Required Action: chosen_options, responded_by_user
    Returns  'approve', 'reject', or 'expired' where nobody answered in time
    """
    question = Question.from_data(data)
    who = (said or {}).get("responded_by_user") or {}
    user = who.get("name") or who.get("id") if isinstance(who, Mapping) else str(who)
    chosen = (said or {}).get("chosen_options") or []
    if not user:
        if chosen == ["Reject"]:
            return "expired"
        raise GuardStop(
            f"rule {question.rule}: the question was closed without anybody's answer "
            "(a task marked as successful is no approval); nothing is erased"
        )
    if chosen not in (["Approve"], ["Reject"]):
        raise GuardStop(f"rule {question.rule}: the answer names no decision; nothing is erased")
    identity = who.get("id") or user if isinstance(who, Mapping) else user
    decision = "approve" if chosen == ["Approve"] else "reject"
    with site.connected("runner") as connection:
        witness = open_witness_of(site, connection)
    with site.connected("approver") as connection:
        acting_as(connection, "approver")
        # The page in the UI records the answer itself, then answers the Required Action.
        before = find_answer(connection, question.run_id, question.digest, question.policy_digest)
        if before and (before.decision, before.decided_by) == (decision, str(identity)):
            return decision
        answer(
            connection,
            question,
            decision,
            str(identity),
            None,
            policy=site.loaded.policy,
            witness=witness,
        )
    return decision


def waiting_rules(site: Site, run_id: UUID) -> list[str]:
    """Rules of a run that wait for a person."""
    with site.connected("runner") as connection:
        acting_as(connection, "runner")
        return [r.rule for r in read_night(connection, run_id).rules if r.state == "waiting"]
