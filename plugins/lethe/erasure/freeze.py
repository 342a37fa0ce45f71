"""The frozen set: what a run may act on, written once as rows and named by a digest.

The digest of a rule is SHA-256 over the policy's digest, the as-of day, the rule and every
(due date, key), one a line, ordered by the bytes of the line (COLLATE "C").
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from psycopg2 import extensions, sql

from lethe.catalogue.fragments import Statement
from lethe.catalogue.graph import Kind
from lethe.erasure.assignment import Assignment
from lethe.guards.frozen import settled_plans
from lethe.include import statement

CANDIDATES = ("due", "held", "restricted", "newer rows", "not archived", "in an open plan")
"""Outcomes of subjects whose period has ended."""


@dataclass(frozen=True, slots=True)
class RulePlan:
    """What a rule would do: subjects by outcome, and the digest of those that are due.

    counts  outcome → subjects; `due` is what may be erased
    """

    rule: str
    clause: str
    cluster: str
    kind: str
    digest: bytes
    counts: Mapping[str, int] = field(default_factory=dict)
    oldest_on: date | None = None
    newest_on: date | None = None

    @property
    def due(self) -> int:
        """Subjects that may be erased."""
        return self.counts.get("due", 0)

    @property
    def planned(self) -> int:
        """Subjects whose period has ended, whatever stops them."""
        return sum(self.counts.get(outcome, 0) for outcome in CANDIDATES)

    @property
    def refused(self) -> dict[str, int]:
        """Subjects whose dates cannot be acted on, by reason."""
        return {
            outcome.removeprefix("refused: "): count
            for outcome, count in self.counts.items()
            if outcome.startswith("refused: ")
        }


def rule_digest(policy_digest: bytes, as_of: date, rule: str, rows_digest: bytes) -> bytes:
    """Bind the digest of the rows to policy, day and rule."""
    parts = (b"lethe/plan/1", policy_digest, as_of.isoformat().encode(), rule.encode(), rows_digest)
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


def plan_digest(rules: Iterable[RulePlan]) -> bytes:
    """Bind the digests of all rules together, by rule name."""
    ordered = sorted(rules, key=lambda plan: plan.rule)
    return hashlib.sha256(b"lethe/plan/all/1" + b"".join(plan.digest for plan in ordered)).digest()


def read_rule(
    connection: extensions.connection, assignment: Assignment, policy_digest: bytes
) -> RulePlan:
    """Read a rule's plan aloud; nothing is written."""
    select = sql.SQL(
        "{}, settled AS ({}) SELECT outcome, count(*), min(due_on), max(due_on), {}"
        " FROM settled GROUP BY outcome"
    ).format(assignment.decide.text, settled_plans(assignment.steps.kind), _rows_digest())
    with connection.cursor() as cursor:
        cursor.execute(statement("erasure/set_planning"))
        cursor.execute(select, _values(assignment, policy_digest))
        rows = cursor.fetchall()
    return _rule_plan(assignment, policy_digest, rows)


def freeze_rule(
    connection: extensions.connection, assignment: Assignment, policy_digest: bytes
) -> RulePlan:
    """Freeze a rule's due subjects as rows of the run, oldest first; the caller commits."""
    freeze = _freezing(assignment.decide, assignment.steps.kind)
    values = _values(assignment, policy_digest) | {"kind": assignment.steps.kind.name}
    with connection.cursor() as cursor:
        cursor.execute(statement("erasure/set_planning"))
        cursor.execute(freeze, values)
        rows = cursor.fetchall()
    digest = frozen_digest(connection, assignment.run_id, assignment.rule)
    return _rule_plan(
        assignment, policy_digest, [(*row, digest if row[0] == "due" else None) for row in rows]
    )


def _values(assignment: Assignment, policy_digest: bytes) -> dict[str, object]:
    return {
        **assignment.decide.values,
        "run_id": str(assignment.run_id),
        "rule": assignment.rule,
        "edition": policy_digest,
    }


def frozen_digest(connection: extensions.connection, run_id: UUID, rule: str) -> bytes | None:
    """Compute the digest of a rule's frozen rows again; None where none are left."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement("erasure/digest_frozen", digest=_rows_digest()),
            {"run_id": str(run_id), "rule": rule},
        )
        found = cursor.fetchone()
    return bytes(found[0]) if found and found[0] is not None else None


def _freezing(decide: Statement, kind: Kind) -> sql.Composed:
    return sql.SQL(
        "{}, settled AS ({}), frozen AS ("
        "INSERT INTO lethe.plan_subject"
        " (run_id, rule, subject_no, subject_kind, key, due_on, starting_point)"
        " SELECT %(run_id)s, %(rule)s, row_number() OVER"
        ' (ORDER BY due_on, array_to_string(key, chr(31), chr(30)) COLLATE "C"),'
        " %(kind)s, key, due_on, starting_on FROM settled WHERE outcome = 'due' RETURNING 1)"
        " SELECT outcome, count(*), min(due_on), max(due_on) FROM settled GROUP BY outcome"
    ).format(decide.text, settled_plans(kind))


def _rows_digest() -> sql.SQL:
    """SHA-256 over due date and key, one subject a line, in the order of the lines' bytes.

    No two sets of subjects give one text: a key with a part that is NULL or holds what sets parts
    and lines apart stands as PostgreSQL writes an array, after a mark that no other line has.
    """
    parts = "array_to_string(key, chr(31), chr(30))"
    is_plain = "array_to_string(key, '', chr(30)) !~ ('[' || chr(10) || chr(30) || chr(31) || ']')"
    line = (
        f"due_on::text || chr(31) || CASE WHEN {is_plain} THEN {parts}"
        " ELSE chr(30) || key::text END"
    )
    return sql.SQL(
        f"sha256(string_agg(convert_to({line} || chr(10), 'UTF8'), ''::bytea"
        f' ORDER BY {line} COLLATE "C"))'
    )


def _rule_plan(
    assignment: Assignment, policy_digest: bytes, rows: Iterable[tuple[object, ...]]
) -> RulePlan:
    counts: dict[str, int] = {}
    oldest = newest = None
    rows_digest = hashlib.sha256(b"").digest()
    for outcome, count, first, last, digest in rows:
        counts[str(outcome)] = int(count)  # type: ignore[call-overload]
        if outcome == "due":
            oldest, newest = first, last
            rows_digest = bytes(digest)  # type: ignore[call-overload]
    return RulePlan(
        assignment.rule,
        assignment.clause,
        assignment.steps.cluster,
        assignment.steps.kind.name,
        rule_digest(policy_digest, assignment.as_of, assignment.rule, rows_digest),
        counts,
        oldest,  # type: ignore[arg-type]
        newest,  # type: ignore[arg-type]
    )
