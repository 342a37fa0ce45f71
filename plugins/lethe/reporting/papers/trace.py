"""The clause trace: published sentence ↔ rule ↔ control ↔ tests ↔ last evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lethe.reporting.summary import ClauseLine, Proof, Summary, Words


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One promise, followed from the published text to its proof.

    sentence   where in its section, if the policy says so
    proofs     what was counted of this very promise
    is_tested  False: a machine keeps it and no test is named; None: no machine keeps it
    """

    clause: str
    promise: Words
    section: str
    sentence: str | None
    rules: tuple[str, ...]
    kind: str
    by: tuple[str, ...]
    tests: tuple[str, ...]
    is_tested: bool | None
    verdict: str
    evidence: str | None
    last_evidence: datetime | None
    proofs: tuple[Proof, ...] = ()


def clause_trace(summary: Summary) -> tuple[TraceLine, ...]:
    """Follow every clause, in the order of the policy; an untested control shows as such."""
    return tuple(_follow(clause) for clause in summary.clauses)


def _follow(clause: ClauseLine) -> TraceLine:
    by_machine = clause.kind != "organisational"
    return TraceLine(
        clause=clause.clause,
        promise=clause.promise,
        section=clause.section,
        sentence=clause.sentence,
        rules=clause.rules,
        kind=clause.kind,
        by=clause.by,
        tests=clause.tests,
        is_tested=bool(clause.tests) if by_machine else None,
        verdict=clause.verdict,
        evidence=clause.evidence,
        last_evidence=clause.last_evidence,
        proofs=clause.proofs,
    )
