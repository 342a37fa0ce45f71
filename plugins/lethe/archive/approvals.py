"""Expiry that waits for a person: asked, approved, worked off."""

from __future__ import annotations

import getpass
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys
from lethe.archive.expire import Expiry
from lethe.archive.expired import Expired, outcomes_of
from lethe.archive.gate import require_untouched, why_stopped
from lethe.archive.opening import acting, make_keys, open_witness_of
from lethe.archive.statements import archive_of_policy
from lethe.catalogue.graph import Graph
from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import GuardStop
from lethe.evidence.runs import read_run, set_state
from lethe.evidence.settle import require_in_step
from lethe.evidence.witness import Witness
from lethe.guards.answers import answer, find_approver, require_four_eyes, settle_answers
from lethe.guards.questions import Question, as_markdown, last_day
from lethe.guards.undecided import expiry_rules
from lethe.include import statement
from lethe.policy.periods import boundary, start_of_day

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WaitingSet:
    """A frozen set of expiry."""

    run_id: UUID
    rule: str
    as_of: date
    requested_by: str | None
    started_at: datetime
    planned: int
    oldest_on: date | None
    newest_on: date | None
    over_limit: str | None
    digest: bytes
    clause: str


def open_questions(site: Site) -> list[dict[str, Any]]:
    """Every set that waits, as Required Actions of Airflow.

    Returns  for each: subject, body (Markdown), assigned_users, data (the question itself)
    """
    if site.loaded.policy.archive is None:
        return []
    with acting(site, "asking about the expiry of the archive") as connection:
        questions = [_question(site, connection, each) for each in _sets(site, connection)]
        connection.rollback()
    actions = [_as_action(site, question) for question in questions]
    return [action for action in actions if action["assigned_users"]]


def approve_waiting(site: Site, digest: str, said: str) -> None:
    """Record, as the approver, the approval of a set that waits; the next run works it off.

    said    who approves, as the caller says; '' for the user of the system
    Raises  GuardStop if no set that waits has the digest, or the person may not approve it
    """
    with acting(site, "the approval") as connection:
        witness = open_witness_of(site, connection)
        acting_as(connection, "runner")
        named = [
            _question(site, connection, each)
            for each in _sets(site, connection)
            if each.digest.hex() == digest.strip().lower()
        ]
        connection.rollback()
    with acting(site, "the approval", "approver") as connection:
        policy = site.loaded.policy
        by = find_approver(connection, policy, said or None, getpass.getuser())
        if not named:
            raise GuardStop(
                f"nothing that has come to its end waits under the digest {digest}: records, "
                "policy or day changed since it was shown; run `lethe archive run` again and read "
                "its digest"
            )
        connection.rollback()
        acting_as(connection, "approver")
        answer(connection, named[0], "approve", by, None, policy=policy, witness=witness)


def settle(site: Site, connection: extensions.connection) -> None:
    """Carry answers over to the sets that wait, and commit."""
    acting_as(connection, "runner")
    policy = site.loaded.policy
    last = boundary(site.today(), policy.guards.approval_timeout) + timedelta(days=1)
    zone = ZoneInfo(policy.policy.time_zone)
    settle_answers(connection, policy, start_of_day(last, zone))
    connection.commit()


def work_off(site: Site) -> dict[str, int]:
    """Destroy what was approved, outside the night, if a night would; gives rule → documents.

    Raises  GuardStop if the warehouse is behind its witness, TamperingFound
    """
    if site.loaded.policy.archive is None:
        return {}
    with acting(site, "the expiry of the archive") as connection:
        settle(site, connection)
        acting_as(connection, "runner")
        is_approved = bool(_sets(site, connection, "approved"))
        connection.rollback()
        if not is_approved:
            return {}
        today = site.today()
        if (stop := why_stopped(site, connection, today)) is not None:
            log.warning("What was approved is not destroyed: %s", stop)
            return {}
        witness = open_witness_of(site, connection)
        require_in_step(connection, witness)
        graph = site.graph(connection)
        keys = make_keys(site, connection, witness)
        require_untouched(connection, keys)
        done = work_off_approved(site, connection, graph, keys, witness, on=today)
    return {each.rule: each.documents for each in done}


def work_off_approved(
    site: Site,
    connection: extensions.connection,
    graph: Graph,
    keys: ArchiveKeys,
    witness: Witness | None,
    *,
    on: date,
) -> list[Expired]:
    """Destroy what was approved in earlier nights, at most the cap of each set, oldest first.

    on  the day whose work it is
    """
    acting_as(connection, "runner")
    sets = _sets(site, connection, "approved")
    connection.rollback()
    done = []
    for each in sets:
        acting_as(connection, "runner")
        run = read_run(connection, each.run_id)
        kind = each.rule.partition(":")[2]
        if (stop := why_stopped(site, connection, on, kind)) is not None:
            log.warning("%s is stopped: %s", each.rule, stop)
            continue
        acting_as(connection, "runner")
        expiry = Expiry(connection, site, graph, kind, run=run, keys=keys, witness=witness)
        found = expiry.read()
        expiry.work(found)
        done.append(found)
        if found.state == "done":
            acting_as(connection, "runner")
            summary = dict(run.summary)
            summary["expiry"] = [
                outcomes_of(found) if said["rule"] == found.rule else said
                for said in summary.get("expiry", [])
            ]
            set_state(connection, run.run_id, "done", finished=True, summary=summary)
            connection.commit()
        log.info("%s: %s documents of an approved set were destroyed", each.rule, found.documents)
    return done


def _sets(
    site: Site, connection: extensions.connection, state: str = "waiting"
) -> list[WaitingSet]:
    name, _, digest = site.edition
    with connection.cursor() as cursor:
        cursor.execute(
            statement("archive/list_sets"),
            {"policy_name": name, "policy_digest": digest, "state": state},
        )
        rows = cursor.fetchall()
    known = expiry_rules(site.loaded.policy)
    return [_as_set(row) for row in rows if row[1] in known]


def _as_set(row: Sequence[Any]) -> WaitingSet:
    fields = list(row)
    fields[0], fields[9] = UUID(str(row[0])), bytes(row[9])
    return WaitingSet(*fields)


def _question(site: Site, connection: extensions.connection, waits: WaitingSet) -> Question:
    policy = site.loaded.policy
    name, version, digest = site.edition
    archive = archive_of_policy(policy)
    kind = waits.rule.partition(":")[2]
    titles = (
        next(iter(each.title.values()))
        for each in archive.documents.values()
        if each.subject == kind
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement("archive/read_history"),
            {"policy_name": name, "rule": waits.rule, "before": waits.as_of, "nights": 90},
        )
        history = [int(row[1]) for row in cursor.fetchall()]
    return Question(
        waits.run_id,
        waits.rule,
        f"archived documents past their last day ({', '.join(titles)})",
        waits.clause,
        "archive",
        kind,
        waits.as_of,
        name,
        version,
        digest,
        waits.planned,
        waits.oldest_on,
        waits.newest_on,
        float(median(history)) if history else None,
        len(history),
        waits.over_limit or "",
        (),
        None,
        waits.digest,
        waits.requested_by,
        last_day(policy, waits.started_at),
    )


def _as_action(site: Site, question: Question) -> dict[str, Any]:
    users = []
    for approver in site.loaded.policy.guards.approvers:
        try:
            require_four_eyes(approver.user, question.requested_by)
        except GuardStop:
            continue
        users.append({"id": approver.user, "name": approver.name})
    if not users:
        log.error(
            "%s waits, and nobody may answer: name an approver other than '%s' in the policy "
            "(guards.approvers)",
            question.rule,
            question.requested_by,
        )
    return {
        "subject": f"Destroy {question.due:,} archived documents as of {question.as_of}?",
        "body": as_markdown([question]),
        "assigned_users": users,
        "data": question.as_data(),
    }
