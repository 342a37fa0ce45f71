"""The coverage proof: every personal row hangs on a subject and falls under exactly one rule.

Counted in the database; no row comes here, and a key only to be turned into a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.catalogue.probes import attempt, reading
from lethe.errors import describe_database_error
from lethe.include import statement
from lethe.keys import Tokens
from lethe.retention.coverage_statements import OVERDUE, Proof, count, example_keys, prove

State = Literal["covered", "gap", "undecided", "not counted"]
_TOKEN_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """What the proof counted about one question.

    topic     'rows of nobody', 'subjects and rules', 'rows and parts', 'starting points',
              'rows without a period'
    state     covered: nothing is wrong; gap: rows or subjects that no rule will ever reach, or
              that two claim; undecided: somebody has to decide; not counted: the server refused
    count     how many are wrong, all reasons together
    reasons   reason → count
    examples  up to three tokens a reason, if the warehouse has its key ring
    note      what went wrong where nothing was counted
    """

    topic: str
    state: State
    cluster: str | None
    rule: str | None
    table: str | None
    count: int
    reasons: Mapping[str, int]
    examples: tuple[str, ...] = ()
    note: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"

    @property
    def where(self) -> str:
        """Table, rule or cluster, as people call it."""
        if self.rule is not None:
            return f"rule {self.rule}"
        if self.table is not None:
            return f"{self.table}" + (f" (cluster {self.cluster})" if self.cluster else "")
        return f"cluster {self.cluster}"

    @property
    def says(self) -> str:
        """The result in words."""
        if self.state == "not counted":
            return f"{self.topic} not counted: {self.note}"
        if self.state == "covered":
            return _COVERED[self.topic]
        found = ", ".join(f"{number:,} {reason}" for reason, number in self.reasons.items())
        return f"{_WRONG[self.topic]}: {found}"

    def as_json(self) -> dict[str, Any]:
        """The line as a JSON document."""
        return {
            "topic": self.topic,
            "state": self.state,
            "cluster": self.cluster,
            "rule": self.rule,
            "table": self.table,
            "count": self.count,
            "reasons": dict(self.reasons),
            "examples": list(self.examples),
            "note": self.note,
        }


_COVERED = {
    "rows of nobody": "every row hangs on a subject",
    "subjects and rules": "every subject is under exactly one rule",
    "rows and parts": "every row is in exactly one part",
    "starting points": "every subject has a starting point, or is active",
    "rows without a period": "there are no rows",
}
_WRONG = {
    "rows of nobody": "rows that hang on no subject",
    "subjects and rules": "subjects that are not under exactly one rule",
    "rows and parts": "rows that are not in exactly one part",
    "starting points": "subjects whose period does not run",
    "rows without a period": "rows without a period",
}


def count_coverage(
    connection: extensions.connection,
    graph: Graph,
    as_of: date,
    *,
    tokens: Tokens | None = None,
    leave_out: frozenset[str] = frozenset(),
) -> list[CoverageLine]:
    """Count the whole proof, one statement a question.

    tokens     make the examples; None: only counts
    leave_out  clusters that cannot be counted before their faults are mended
    """
    with reading(connection) as cursor:
        cursor.execute(statement("retention/find_skeletons"))
        skeletons = cursor.fetchone() == (True,)
        proofs = prove(_without(graph, leave_out), as_of, skeletons=skeletons)
        return [_count(cursor, proof, tokens) for proof in proofs]


def _without(graph: Graph, clusters: frozenset[str]) -> Graph:
    if not clusters:
        return graph
    tables = {
        name: entry
        for name, entry in graph.policy.tables.items()
        if not clusters & {entry.cluster, *(part.cluster for part in entry.rows)}
    }
    members = {name: some for name, some in graph.members.items() if name not in clusters}
    policy = graph.policy.model_copy(update={"tables": tables})
    return replace(graph, policy=policy, members=members)


def _count(cursor: extensions.cursor, proof: Proof, tokens: Tokens | None) -> CoverageLine:
    table = str(proof.table) if proof.table is not None else None
    try:
        with attempt(cursor):
            cursor.execute(count(proof), dict(proof.found.values))
            reasons = {str(why): int(number) for why, number in cursor.fetchall()}
            examples = _examples(cursor, proof, list(reasons), tokens) if tokens else ()
    except psycopg2.Error as error:
        if cursor.connection.closed:
            raise
        note = describe_database_error(error)
        return CoverageLine(
            proof.topic, "not counted", proof.cluster, proof.rule, table, 0, {}, (), note
        )
    state = _state(proof, reasons)
    total = sum(reasons.values())
    return CoverageLine(
        proof.topic, state, proof.cluster, proof.rule, table, total, reasons, examples
    )


def _state(proof: Proof, reasons: Mapping[str, int]) -> State:
    if not reasons:
        return "covered"
    if proof.topic == "starting points":
        return "undecided"
    if proof.topic == "rows without a period":
        late = any(reason.endswith(OVERDUE) for reason in reasons)
        return "gap" if late else "undecided"
    return "gap"


def _examples(
    cursor: extensions.cursor, proof: Proof, reasons: Sequence[str], tokens: Tokens
) -> tuple[str, ...]:
    found: list[str] = []
    for why in reasons:
        cursor.execute(example_keys(proof), {**proof.found.values, "why": why})
        keys = [row[0] for row in cursor.fetchall()]
        made = (
            tokens.subjects(proof.subject, keys)
            if proof.subject is not None
            else tokens.many(str(proof.table), "row", keys)
        )
        found += (token.hex()[:_TOKEN_CHARACTERS] for token in made)
    return tuple(found)
