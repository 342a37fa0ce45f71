"""Two plans of one rule: who stands in an approved set is left to it, and nobody is in both.

A plan is frozen before the answers to earlier plans are carried over. So the guard takes out of
tonight's set whoever an approval covers by now; those who are due earlier than approved, which no
approval covers, and those who came since stay in tonight's set and are judged by its limits.
"""

from __future__ import annotations

import hashlib
import logging

from psycopg2 import extensions

from lethe.erasure.freeze import frozen_digest, rule_digest
from lethe.erasure.outcomes import DUE_EARLIER
from lethe.evidence.runs import Run
from lethe.guards.approval import find_decision
from lethe.include import statement
from lethe.retention.night import PlannedRule

log = logging.getLogger(__name__)


def leave_to_open_sets(connection: extensions.connection, run: Run, planned: PlannedRule) -> int:
    """Leave to approved sets of earlier plans whom they cover; the caller, a runner, commits.

    A set that somebody decided about, or that was worked on, stays as it is: its digest is known.

    Returns  how many were taken out of the rule's frozen set
    """
    if "remaining" in planned.flags or not planned.due:
        return 0
    if find_decision(connection, planned.digest, run.policy_digest) is not None:
        return 0
    named = {"run_id": str(run.run_id), "rule": planned.rule}
    with connection.cursor() as cursor:
        both = {**named, "policy_digest": run.policy_digest}
        cursor.execute(statement("retention/set_aside_sooner"), {**both, "reason": DUE_EARLIER})
        sooner = cursor.rowcount
        cursor.execute(statement("retention/forget_covered"), both)
        covered = cursor.rowcount
        if covered:
            rows = frozen_digest(connection, run.run_id, planned.rule)
            digest = rule_digest(
                run.policy_digest, run.as_of, planned.rule, rows or hashlib.sha256(b"").digest()
            )
            cursor.execute(
                statement("retention/narrow_plan_rule"),
                {**named, "covered": covered, "digest": digest},
            )
    if covered or sooner:
        log.info(
            "Rule %s: %s subjects are left to sets approved earlier, %s are due earlier than "
            "approved and are not",
            planned.rule,
            covered,
            sooner,
        )
    return covered
