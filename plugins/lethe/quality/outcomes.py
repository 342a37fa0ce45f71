"""What a run of expectations found: counts, states and one line a clause; never a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from lethe.policy.model import Policy
from lethe.quality.expectations import Absent, Expectation

State = Literal["passed", "no rows", "failed", "not yet kept", "not checked", "not applicable"]
"""passed and failed speak for themselves; no rows: there was nothing to look at; not yet kept: it
is untrue, and the policy says that the control of its clause is not built; not checked: it could
not be asked; not applicable: this warehouse gives it no ground."""

GOOD: frozenset[State] = frozenset({"passed", "no rows", "not applicable", "not yet kept"})


_CODE = re.compile(r"SQLSTATE ([0-9A-Z]{5})\b")


@dataclass(frozen=True, slots=True)
class Counts:
    """What one scan counted for one expectation.

    because  why nothing was counted: SQLSTATE and names alone
    """

    rows: int = 0
    concerned: int = 0
    failing: int = 0
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expectation and what became of it."""

    key: str
    kind: str
    suite: str
    title: str
    clause: str | None
    severity: str
    owner: str | None
    state: State
    rows: int
    concerned: int
    failing: int
    mostly: float
    rules: tuple[str, ...]
    because: str | None

    @property
    def is_bad(self) -> bool:
        """Somebody has to do something about it."""
        return self.state not in GOOD

    @property
    def says(self) -> str:
        """The result in words."""
        if self.because is not None:
            return f"{self.state}: {self.because}"
        if self.state in ("failed", "not yet kept"):
            return f"{self.state}: {self.failing:,} of {self.concerned:,}"
        if self.failing:
            return f"{self.state}, though {self.failing:,} of {self.concerned:,} do not keep it"
        return f"{self.state} ({self.concerned:,})" if self.concerned else self.state

    def as_json(self) -> dict[str, Any]:
        """The outcome as a JSON document."""
        return {
            "expectation": self.key,
            "kind": self.kind,
            "suite": self.suite,
            "title": self.title,
            "clause": self.clause,
            "severity": self.severity,
            "owner": self.owner,
            "state": self.state,
            "rows": self.rows,
            "concerned": self.concerned,
            "failing": self.failing,
            "mostly": self.mostly,
            "rules": list(self.rules),
            "because": self.because,
        }


def outcome_of(
    expectation: Expectation, counts: Counts, policy: Policy, rules: tuple[str, ...]
) -> Outcome:
    """Judge counts.

    rules  that a critical failure touches
    """
    kept = expectation.is_kept(counts.concerned, counts.failing, counts.rows)
    return Outcome(
        expectation.key,
        expectation.kind,
        expectation.suite,
        expectation.title,
        expectation.clause,
        expectation.severity,
        expectation.owner,
        _state(expectation, counts, policy, kept=kept),
        counts.rows,
        counts.concerned if expectation.between is None else counts.rows,
        counts.failing if expectation.between is None else (0 if kept else counts.rows),
        expectation.mostly,
        rules,
        explained(counts.because),
    )


_MEANT = {
    "2201B": "the pattern is no regular expression",
    "25006": "it would change something, and checks only read",
    "22P02": "a value does not fit the type of the column",
    "42601": "it is no single SELECT in correct SQL",
    "42703": "it names a column that is not there",
    "42P01": "it names a table that is not there",
    "42883": "it uses a function or operator that is not there for these types",
    "57014": "it took too long, or was cancelled",
}


def explained(because: str | None) -> str | None:
    """What a code of PostgreSQL means, behind it."""
    code = _CODE.match(because or "")
    return f"{because}: {_MEANT[code[1]]}" if code and code[1] in _MEANT else because


def _state(expectation: Expectation, counts: Counts, policy: Policy, *, kept: bool) -> State:
    if counts.because is not None:
        return "not checked"
    if not kept:
        if expectation.kind == "extra":
            return "failed"
        clause = policy.clauses.get(expectation.clause or "")
        return "not yet kept" if clause is not None and clause.control.planned else "failed"
    # Nothing but what is wrong is selected by such an expectation: no row is the best answer.
    is_counted = expectation.wrong is None and expectation.between is None
    return "no rows" if is_counted and not counts.concerned else "passed"


def outcome_of_absent(absent: Absent, rules: tuple[str, ...] = ()) -> Outcome:
    """What could not be asked, as an outcome; its rules wait if it is critical."""
    return Outcome(
        absent.key,
        absent.kind,
        absent.suite,
        absent.key.replace("-", " ").replace(".", " ", 1),
        absent.clause,
        absent.severity,
        None,
        absent.state,
        0,
        0,
        0,
        1.0,
        rules,
        absent.because,
    )


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """One clause for the DPO: how its checks stand, taken together."""

    clause: str
    section: str
    state: State
    checks: int
    failing: int

    def as_json(self) -> dict[str, Any]:
        """The line as a JSON document."""
        return {
            "clause": self.clause,
            "section": self.section,
            "state": self.state,
            "checks": self.checks,
            "failing": self.failing,
        }


WORST: tuple[State, ...] = (
    "failed",
    "not checked",
    "not yet kept",
    "passed",
    "no rows",
    "not applicable",
)


def clause_lines(
    outcomes: Iterable[Outcome], policy: Policy, *, all_asked: bool = True
) -> tuple[ClauseLine, ...]:
    """One line for every clause that quality checks, or has to check.

    all_asked  of a run of some suites, clauses that none of them is about are left out
    """
    found: dict[str, list[Outcome]] = {
        name: []
        for name, clause in policy.clauses.items()
        if all_asked and "data_quality" in clause.control.by
    }
    for each in outcomes:
        if each.clause in policy.clauses:
            found.setdefault(each.clause, []).append(each)
    return tuple(
        clause_line(name, policy.clauses[name].section, [each.state for each in found[name]])
        for name in policy.clauses
        if name in found
    )


def clause_line(name: str, section: str, states: Sequence[State]) -> ClauseLine:
    """The line of a clause: the worst state of its checks."""
    return ClauseLine(
        name,
        section,
        next((state for state in WORST if state in states), "not applicable"),
        len(states),
        sum(state in ("failed", "not checked", "not yet kept") for state in states),
    )


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run: counts only, fit for XCom, mail and files."""

    policy: str
    version: str
    policy_digest: str
    as_of: date
    outcomes: tuple[Outcome, ...]
    clauses: tuple[ClauseLine, ...]
    docs: str | None
    seconds: Mapping[str, float]

    @property
    def bad(self) -> tuple[Outcome, ...]:
        """What somebody has to do something about."""
        return tuple(each for each in self.outcomes if each.is_bad)

    @property
    def is_good(self) -> bool:
        """No check failed and none could not be asked."""
        return not self.bad

    @property
    def exit_code(self) -> int:
        """0 if all is well, 1 if a check failed."""
        return 0 if self.is_good else 1

    def counted(self) -> dict[str, int]:
        """State → number of expectations."""
        found: dict[str, int] = {}
        for each in self.outcomes:
            found[each.state] = found.get(each.state, 0) + 1
        return found

    def by_suite(self) -> list[dict[str, Any]]:
        """One document a suite: how many expectations in which state, and what is bad."""
        found: dict[str, list[Outcome]] = {}
        for each in self.outcomes:
            found.setdefault(each.suite, []).append(each)
        return [
            {
                "suite": suite,
                "states": dict(Counter(each.state for each in some)),
                "bad": [
                    {
                        "key": each.key,
                        "severity": each.severity,
                        "clause": each.clause,
                        "says": each.says,
                    }
                    for each in some
                    if each.is_bad
                ],
            }
            for suite, some in found.items()
        ]

    def as_json(self) -> dict[str, Any]:
        """The run as a JSON document."""
        return {
            "policy": self.policy,
            "version": self.version,
            "policy_digest": self.policy_digest,
            "as_of": self.as_of.isoformat(),
            "exit_code": self.exit_code,
            "states": self.counted(),
            "clauses": [line.as_json() for line in self.clauses],
            "expectations": [each.as_json() for each in self.outcomes],
            "docs": self.docs,
            "seconds": dict(self.seconds),
        }
