"""Clauses and their controls: what is kept, by what, and what is not kept yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lethe.catalogue.checks import Found
from lethe.include import PROJECT
from lethe.policy.model import Policy
from lethe.policy.model.clauses import Clause

State = Literal["enforced", "checked", "organisational", "not yet kept"]


@dataclass(frozen=True, slots=True)
class ClauseState:
    """One promise, and how it stands.

    reason  why it is organisational, or not yet kept
    """

    clause: str
    section: str
    promise: Mapping[str, str]
    state: State
    by: tuple[str, ...]
    rules: tuple[str, ...]
    reason: str | None

    def __str__(self) -> str:
        reason = {"organisational": " because: ", "not yet kept": " "}.get(self.state, "")
        return self.state + (f"{reason}{self.reason}" if self.reason else "")

    def as_json(self) -> dict[str, Any]:
        """The state as a JSON document."""
        return {
            "clause": self.clause,
            "section": self.section,
            "promise": dict(self.promise),
            "state": self.state,
            "by": list(self.by),
            "rules": list(self.rules),
            "reason": self.reason,
        }


def built_wings() -> frozenset[str]:
    """Name what there is to keep a clause: the DAGs of this project, and the check itself."""
    return frozenset({"policy_check", *(file.stem for file in (PROJECT / "dags").glob("*.py"))})


def clause_states(policy: Policy, built: frozenset[str] | None = None) -> tuple[ClauseState, ...]:
    """Say of every clause how it stands; nothing is shown as done that is not."""
    built = built_wings() if built is None else built
    return tuple(_state(policy, name, clause, built) for name, clause in policy.clauses.items())


def _state(policy: Policy, name: str, clause: Clause, built: frozenset[str]) -> ClauseState:
    control = clause.control
    state: State = control.kind
    reason = None
    missing = [wing for wing in control.by if wing not in built]
    if control.kind == "organisational":
        reason = _words(control.because)
    elif control.planned:
        state, reason = "not yet kept", "(planned)"
    elif missing:
        state, reason = "not yet kept", f"(there is no {', '.join(missing)} yet)"
    elif _lacks(policy, name, clause):
        state, reason = "not yet kept", f"({_lacks(policy, name, clause)})"
    return ClauseState(
        name,
        clause.section,
        clause.promise,  # type: ignore[arg-type]
        state,
        control.by,
        rules_of(policy, name),
        reason,
    )


def rules_of(policy: Policy, clause: str) -> tuple[str, ...]:
    """The rules that keep a clause, whichever side names them."""
    named = policy.clauses[clause].control.rules or ()
    return tuple(
        name for name, rule in policy.rules.items() if name in named or rule.clause == clause
    )


def _lacks(policy: Policy, name: str, clause: Clause) -> str | None:
    by = clause.control.by
    if "retention_sweep" in by and not rules_of(policy, name):
        return "no rule keeps it"
    if "log_pseudonymisation" in by and policy.logs is None:
        return "the section logs is missing"
    if "invoice_archive" in by and policy.archive is None:
        return "the section archive is missing"
    return None


def check_clauses(policy: Policy, built: frozenset[str] | None = None) -> Iterator[Found]:
    """Find clauses without a control, and rules and clauses that do not know of each other."""
    built = built_wings() if built is None else built
    for name, clause in policy.clauses.items():
        place = ("clauses", name, "control")
        control = clause.control
        if control.kind != "organisational" and not control.planned:
            missing = [wing for wing in control.by if wing not in built]
            lack = f"there is no {', '.join(missing)} yet" if missing else None
            lack = lack or _lacks(policy, name, clause)
            if lack is not None:
                yield Found(
                    "alarm",
                    "clause-without-control",
                    place,
                    f"{lack}, so nothing keeps this clause; add it, or say planned: true",
                )
        if control.kind == "organisational" and control.owner is None:
            yield Found("advice", "clause-without-owner", place, "say owner: who answers for it")
        for rule in control.rules or ():
            if rule in policy.rules and policy.rules[rule].clause != name:
                yield Found(
                    "alarm",
                    "clause-of-another-rule",
                    (*place, "rules"),
                    f"rule '{rule}' says that it keeps clause '{policy.rules[rule].clause}'; say "
                    "one clause in both places",
                )
    for name, rule_ in policy.rules.items():
        clause = policy.clauses[rule_.clause]
        if name not in (clause.control.rules or ()):
            yield Found(
                "alarm",
                "rule-not-named",
                ("rules", name, "clause"),
                f"the control of clause '{rule_.clause}' does not name this rule; add it to "
                f"clauses.{rule_.clause}.control.rules",
            )


def _words(text: Mapping[Any, str] | None) -> str:
    return (text.get("en") or next(iter(text.values()))) if text else ""
