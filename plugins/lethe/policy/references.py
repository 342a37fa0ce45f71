"""Names inside a policy file must lead somewhere: what a model alone cannot see."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lethe.policy.model.clauses import COLUMN_CLASSES
from lethe.policy.model.policy import Policy
from lethe.policy.model.rules import Rule
from lethe.policy.names import TableName

Place = tuple[str | int, ...]
Finding = tuple[Place, str]


def find_dangling(policy: Policy) -> list[Finding]:
    """Find every name that leads nowhere inside the policy alone.

    Returns  pairs of (path of keys, message), in the order of the file's sections
    """
    return [
        *_zones(policy),
        *_clauses(policy),
        *_labels(policy),
        *_clusters(policy),
        *_tables(policy),
        *_rules(policy),
        *_guards(policy),
        *_others(policy),
    ]


def _unknown(place: Place, what: str, name: str, known: Iterable[str]) -> Iterator[Finding]:
    names = list(known)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else f"; there are: {', '.join(names) or 'none'}"
    yield place, f"{what} '{name}' is not in this file{hint}"


def _table_known(policy: Policy, place: Place, table: TableName | None) -> Iterator[Finding]:
    if table is not None:
        yield from _unknown(place, "table", str(table), map(str, policy.tables))


def _zones(policy: Policy) -> Iterator[Finding]:
    for key in ("time_zone", "naive_time_zone"):
        name = getattr(policy.policy, key)
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            yield (
                ("policy", key),
                f"'{name}' is no IANA time zone; write one like Europe/Luxembourg",
            )


def _clauses(policy: Policy) -> Iterator[Finding]:
    for name, clause in policy.clauses.items():
        for rule in clause.control.rules or ():
            yield from _unknown(("clauses", name, "control", "rules"), "rule", rule, policy.rules)
        known = (*COLUMN_CLASSES, *map(str, policy.tables))
        for shown in clause.control.covers:
            place: Place = ("clauses", name, "control", "shown_by")
            yield from _unknown(place, "column class or table", shown, known)
    for name, reading in policy.readings.items():
        if reading.clause is not None:
            yield from _unknown(
                ("readings", name, "clause"), "clause", reading.clause, policy.clauses
            )


def _labels(policy: Policy) -> Iterator[Finding]:
    if policy.labels:
        plain = policy.model_dump(mode="json", by_alias=True, exclude={"labels"})
        words = set(_words_in(plain))
        for word in policy.labels:
            if word not in words:
                near = difflib.get_close_matches(word, words, n=1, cutoff=0.75)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                yield ("labels", word), f"'{word}' is nowhere else in this file{hint}"


def _words_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for part in value.values():
            yield from _words_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from _words_in(part)
    elif isinstance(value, str):
        yield value


def _clusters(policy: Policy) -> Iterator[Finding]:
    for name, cluster in policy.clusters.items():
        place = ("clusters", name)
        yield from _unknown((*place, "subject"), "subject", cluster.subject, policy.subjects)
        for purpose in cluster.purpose:
            yield from _unknown((*place, "purpose"), "purpose", purpose, policy.purposes)
        for recipient in cluster.recipients:
            yield from _unknown((*place, "recipients"), "processor", recipient, policy.processors)
        ruled = any(rule.cluster == name for rule in policy.rules.values())
        if not ruled and cluster.undecided is None:
            yield place, "no rule gives it a period; add a rule, or say undecided: why"
        if not any(name in _clusters_of(policy, table) for table in policy.tables):
            yield place, "no table belongs to it"


def _clusters_of(policy: Policy, table: TableName) -> set[str]:
    entry = policy.tables[table]
    return ({entry.cluster} if entry.cluster else set()) | {part.cluster for part in entry.rows}


def _tables(policy: Policy) -> Iterator[Finding]:
    for name, subject in policy.subjects.items():
        yield from _table_known(policy, ("subjects", name, "table"), subject.table)
    for table, entry in policy.tables.items():
        place = ("tables", str(table))
        for cluster in sorted(_clusters_of(policy, table)):
            yield from _unknown((*place, "cluster"), "cluster", cluster, policy.clusters)
        for link in (*entry.links, *(link for part in entry.rows for link in part.links)):
            yield from _table_known(policy, (*place, "links"), link.to)
        for column, spec in entry.columns.items():
            if spec.file_reference:
                yield from _unknown(
                    (*place, "columns", column, "file_reference"),
                    "system",
                    spec.file_reference,
                    policy.systems,
                )


def _rules(policy: Policy) -> Iterator[Finding]:
    for name, rule in policy.rules.items():
        place = ("rules", name)
        yield from _unknown((*place, "cluster"), "cluster", rule.cluster, policy.clusters)
        yield from _unknown((*place, "clause"), "clause", rule.clause, policy.clauses)
        for event in rule.starting_point.events:
            yield from _table_known(policy, (*place, "starting_point"), event.table)
        yield from _minimum(policy, place, rule)


def _minimum(policy: Policy, place: Place, rule: Rule) -> Iterator[Finding]:
    cluster = policy.clusters.get(rule.cluster)
    subject = policy.subjects.get(cluster.subject) if cluster else None
    if rule.at_least and subject is not None and subject.country is None:
        yield (
            (*place, "at_least"),
            f"needs the country of the subject; add country to subjects.{cluster.subject}"
            if cluster
            else "",
        )


def _guards(policy: Policy) -> Iterator[Finding]:
    guards = policy.guards
    for group in ("holds", "restrictions", "risk_flags", "canaries"):
        for name, item in getattr(guards, group).items():
            place: Place = ("guards", group, name, "subject")
            yield from _unknown(place, "subject", item.subject, policy.subjects)
    for name, canary in guards.canaries.items():
        if canary.rule is not None:
            place = ("guards", "canaries", name, "rule")
            yield from _unknown(place, "rule", canary.rule, policy.rules)
    users = [approver.user for approver in guards.approvers]
    for at, user in enumerate(users):
        if user in users[:at]:
            yield (
                ("guards", "approvers", at, "user"),
                f"'{user}' is an approver already; four eyes need two people",
            )


def _others(policy: Policy) -> Iterator[Finding]:
    for name, system in policy.systems.items():
        for cluster in system.holds:
            place: Place = ("systems", name, "holds")
            yield from _unknown(place, "cluster", cluster, policy.clusters)
        if system.processor is not None:
            place = ("systems", name, "processor")
            yield from _unknown(place, "processor", system.processor, policy.processors)
    if policy.logs is not None:
        yield from _unknown(("logs", "clause"), "clause", policy.logs.clause, policy.clauses)
    if policy.archive is not None:
        place = ("archive", "clause")
        yield from _unknown(place, "clause", policy.archive.clause, policy.clauses)
        for purpose in policy.archive.purpose:
            yield from _unknown(("archive", "purpose"), "purpose", purpose, policy.purposes)
        for name, document in policy.archive.documents.items():
            place = ("archive", "documents", name, "subject")
            yield from _unknown(place, "subject", document.subject, policy.subjects)
            yield from _table_known(policy, ("archive", "documents", name, "table"), document.table)
    for name, expectation in policy.quality.extra.items():
        place = ("quality", "extra", name, "clause")
        yield from _unknown(place, "clause", expectation.clause, policy.clauses)
    for kind, check in policy.quality.checks.items():
        if check.clause is not None:
            place = ("quality", "checks", kind, "clause")
            yield from _unknown(place, "clause", check.clause, policy.clauses)
    for name, consent in policy.consents.items():
        place = ("consents", name, "subject")
        yield from _unknown(place, "subject", consent.subject, policy.subjects)
    for name, limit in policy.age_limits.items():
        yield from _unknown(("age_limits", name, "clause"), "clause", limit.clause, policy.clauses)
        yield from _unknown(
            ("age_limits", name, "subject"), "subject", limit.subject, policy.subjects
        )
