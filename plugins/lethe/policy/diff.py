"""What changes between two editions of a policy, in sentences and as data.

Every difference of the two canonical forms gives at least one change: what has no sentence of its
own is told by its place in the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import rfc8785

from lethe.policy.digest import DOCUMENTS_ONLY, policy_digest
from lethe.policy.model import Policy
from lethe.policy.periods import Period, end_of
from lethe.policy.said import (
    say_action,
    say_conditions,
    say_control,
    say_start,
    say_text,
    say_value,
)

Kind = Literal["added", "removed", "longer", "shorter", "changed"]
Place = tuple[str, ...]
_ABSENT = object()
_PEOPLE = frozenset(
    {
        "archive",
        "age_limits",
        "clauses",
        "clusters",
        "consents",
        "controller",
        "disclosures",
        "logs",
        "processors",
        "purposes",
        "rules",
        "subjects",
        "systems",
        "tables",
    }
)
_NAMES = {
    "rules": "Rule",
    "clusters": "Cluster",
    "clauses": "Clause",
    "purposes": "Purpose",
    "subjects": "Kind of subject",
    "tables": "Table",
    "processors": "Processor",
    "systems": "System",
    "consents": "Consent",
    "age_limits": "Age limit",
}
_WHOLE = frozenset(
    {"starting_point", "where", "running", "when_due", "control", "links", "at_least", "rows"}
)
_DAYS = tuple(date(2023, 1, 1) + timedelta(days=number) for number in range(4 * 366))


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    path      where it stands in the policy file, dotted
    sentence  the change in English words; the approved digest is made over it
    before    the old value as data, None if there was none; `after` likewise
    place     the path as keys: a name of a table has a dot in it
    """

    section: str
    path: str
    kind: Kind
    sentence: str
    before: Any = None
    after: Any = None
    place: Place = ()

    @property
    def concerns_people(self) -> bool:
        """It is about what happens to people's data, not about how Lethe works."""
        return self.section in _PEOPLE


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """All differences of two editions, in the order of the file's sections."""

    old: tuple[str, str, str]
    new: tuple[str, str, str]
    changes: tuple[Change, ...]

    @property
    def digest(self) -> bytes:
        """SHA-256 over both editions and every change: what an approver approves."""
        return hashlib.sha256(b"lethe/policy-diff/1" + rfc8785.dumps(self.as_data())).digest()

    def as_data(self) -> dict[str, Any]:
        """The diff as plain JSON data; old and new are (name, version, digest)."""
        return {
            "from": dict(zip(("name", "version", "digest"), self.old, strict=True)),
            "to": dict(zip(("name", "version", "digest"), self.new, strict=True)),
            "changes": [
                {
                    "section": change.section,
                    "path": change.path,
                    "kind": change.kind,
                    "sentence": change.sentence,
                    "before": change.before,
                    "after": change.after,
                }
                for change in self.changes
            ],
        }


def diff_policies(old: Policy, new: Policy) -> PolicyDiff:
    """Compare two editions; pure."""
    before, after = _plain(old), _plain(new)
    changes = tuple(
        _change(place, was, becomes)
        for section in before
        for place, was, becomes in _walk((section,), before[section], after[section])
    )
    return PolicyDiff(_edition(old), _edition(new), changes)


def compare_periods(old: Period, new: Period) -> Kind | None:
    """Say which period ends later from every day of four years; None if they never differ."""
    differences = {
        (end_of(day, new) > end_of(day, old)) - (end_of(day, new) < end_of(day, old))
        for day in _DAYS
    }
    if differences == {0}:
        return None
    if differences <= {0, 1}:
        return "longer"
    return "shorter" if differences <= {-1, 0} else "changed"


def _edition(policy: Policy) -> tuple[str, str, str]:
    return policy.policy.name, policy.policy.version, policy_digest(policy)


def _plain(policy: Policy) -> dict[str, Any]:
    plain: dict[str, Any] = policy.model_dump(mode="json", by_alias=True, exclude=DOCUMENTS_ONLY)
    return plain


def _walk(place: Place, was: Any, becomes: Any) -> Iterator[tuple[Place, Any, Any]]:
    if was == becomes:
        return
    if isinstance(was, dict) and isinstance(becomes, dict) and not _is_whole(place, was, becomes):
        for key in dict.fromkeys((*was, *becomes)):
            yield from _walk((*place, key), was.get(key, _ABSENT), becomes.get(key, _ABSENT))
    else:
        yield place, was, becomes


def _is_whole(place: Place, was: Mapping[str, Any], becomes: Mapping[str, Any]) -> bool:
    """A value that one sentence tells best."""
    if place[-1] in _WHOLE and len(place) > 2:
        return place[-1] != "at_least"
    words = set(was) | set(becomes)
    return bool(words) and words <= {"en", "fr"}


def _change(place: Place, was: Any, becomes: Any) -> Change:
    kind: Kind = "changed"
    if was is _ABSENT or (was is None and len(place) <= 2):
        kind = "added"
    elif becomes is _ABSENT or (becomes is None and len(place) <= 2):
        kind = "removed"
    before = None if was is _ABSENT else was
    after = None if becomes is _ABSENT else becomes
    kind, sentence = _told(place, kind, before, after)
    return Change(place[0], ".".join(place), kind, sentence, before, after, place)


def _told(place: Place, kind: Kind, was: Any, becomes: Any) -> tuple[Kind, str]:
    section, rest = place[0], place[1:]
    whole = _NAMES.get(section)
    if whole is None or not rest:
        return kind, _plainly(".".join(place), kind, was, becomes)
    name, inner = f"{whole} '{rest[0]}'", rest[1:]
    if not inner:
        return kind, _whole(section, name, kind, was if kind == "removed" else becomes)
    if section == "rules":
        return _of_rule(name, inner, kind, was, becomes)
    if section == "tables":
        return kind, _of_table(name, inner, kind, was, becomes)
    if inner == ("control",):
        return kind, f"{name} is now {say_control(becomes)}; before {say_control(was)}."
    if inner == ("promise",):
        return kind, f"{name} now promises: {say_text(becomes)} Before: {say_text(was)}"
    if inner[-1] == "where":
        return kind, _conditions(name, was, becomes)
    return kind, _plainly(f"{name}: {'.'.join(inner)}", kind, was, becomes)


def _whole(section: str, name: str, kind: Kind, value: Mapping[str, Any]) -> str:
    verb = "is new" if kind == "added" else "is gone"
    details = {
        "rules": lambda: (
            f"{say_text(value['title'])} (cluster '{value['cluster']}', clause "
            f"'{value['clause']}', period {value['period']} from "
            f"{say_start(value['starting_point'])})"
        ),
        "clusters": lambda: f"{say_text(value['title'])} of '{value['subject']}'",
        "clauses": lambda: f"{say_text(value['promise'])} It is {say_control(value['control'])}",
        "tables": lambda: (
            f"{len(value['columns'])} personal columns, "
            f"cluster {say_value(value['cluster'] or [part['cluster'] for part in value['rows']])}"
        ),
        "processors": lambda: (
            f"{value['name']} in {value['country']}, receives "
            f"{', '.join(value['receives']) or 'nothing about customers'}"
        ),
        "purposes": lambda: f"{say_text(value['title'])}, basis {value['basis']}",
        "subjects": lambda: f"{say_text(value['title'])}, {value['table'] or 'a query'}",
        "systems": lambda: f"{say_text(value['title'])}, {value['kind']}",
    }
    detail = details[section]().rstrip(".") if section in details else ""
    return f"{name} {verb}: {detail}." if detail else f"{name} {verb}."


def _of_rule(name: str, inner: Place, kind: Kind, was: Any, becomes: Any) -> tuple[Kind, str]:
    if inner == ("period",):
        verdict = compare_periods(Period.parse(was), Period.parse(becomes)) or "changed"
        words = {
            "longer": "keeps data longer",
            "shorter": "keeps data for a shorter time",
            "changed": "counts its period differently",
        }
        return verdict, f"{name} {words[verdict]}: {becomes} instead of {was}."
    if inner[0] == "at_least" and len(inner) >= 2:
        return _of_minimum(name, inner, kind, was, becomes)
    if inner == ("starting_point",):
        return kind, f"{name} now starts at {say_start(becomes)}; before at {say_start(was)}."
    if inner == ("where",):
        return kind, _conditions(name, was, becomes)
    if inner == ("newer_rows",):
        words = {"stop": "stop a subject", "ignore": "no longer stop a subject"}
        return kind, f"{name}: rows newer than the cut-off now {words[becomes]}."
    return kind, _plainly(f"{name}: {'.'.join(inner)}", kind, was, becomes)


def _of_minimum(name: str, inner: Place, kind: Kind, was: Any, becomes: Any) -> tuple[Kind, str]:
    country = inner[1]
    if kind == "added":
        text = f"{name} has a minimum for {country}: {becomes['period']} ({becomes['law']})."
        return "longer", text
    if kind == "removed":
        return "shorter", f"{name} no longer has a minimum for {country} (it was {was['period']})."
    if inner[2:] == ("period",):
        verdict = compare_periods(Period.parse(was), Period.parse(becomes)) or "changed"
        return verdict, f"{name}: the minimum for {country} is {becomes} instead of {was}."
    return kind, _plainly(f"{name}: {'.'.join(inner)}", kind, was, becomes)


def _of_table(name: str, inner: Place, kind: Kind, was: Any, becomes: Any) -> str:
    if inner == ("when_due",):
        return f"{name}: when due, rows now {say_action(becomes)}; before they {say_action(was)}."
    if inner == ("cluster",):
        return f"{name} belongs to cluster {say_value(becomes)}; before to {say_value(was)}."
    if inner[0] == "columns" and len(inner) == 2:
        if kind == "added":
            return f"{name}: column '{inner[1]}' is personal now, class {becomes['class']}."
        return f"{name}: column '{inner[1]}' is no longer personal (it was {was['class']})."
    if inner[0] == "columns" and inner[2:] == ("class",):
        return f"{name}: column '{inner[1]}' is of class {becomes} instead of {was}."
    return _plainly(f"{name}: {'.'.join(inner)}", kind, was, becomes)


def _conditions(name: str, was: Any, becomes: Any) -> str:
    return f"{name} now claims rows where {say_conditions(becomes)}; before {say_conditions(was)}."


def _plainly(what: str, kind: Kind, was: Any, becomes: Any) -> str:
    if kind == "added":
        return f"{what} is new: {say_value(becomes)}."
    if kind == "removed":
        return f"{what} is gone; it was {say_value(was)}."
    return f"{what} is {say_value(becomes)} instead of {say_value(was)}."
