"""The record of processing (GDPR Art. 30(1)) as plain data, from the policy alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lethe.policy.digest import policy_digest
from lethe.policy.labels import label
from lethe.policy.model import Policy
from lethe.policy.model.subjects import PolicyTable
from lethe.reporting.papers.archived import archived_data
from lethe.reporting.papers.record_data import (
    EEA,
    DataGroup,
    Gap,
    Limit,
    Measure,
    Processing,
    Stay,
    Words,
)
from lethe.retention.clauses import built_wings


def describe_processing(policy: Policy) -> Processing:
    """Describe what is processed, why, how long, for whom: pure, the same for the same policy."""
    groups = (*_groups(policy), *archived_data(policy))
    measures = tuple(_measures(policy))
    digest = policy_digest(policy)
    found = Processing(policy, digest, groups, measures, ())
    return Processing(policy, digest, groups, measures, tuple(_gaps(found)))


def _groups(policy: Policy) -> Iterator[DataGroup]:
    for key, cluster in policy.clusters.items():
        tables = {
            str(name): table
            for name, table in policy.tables.items()
            if table.cluster == key or any(part.cluster == key for part in table.rows)
        }
        classes = Counter(
            str(column.class_) for table in tables.values() for column in table.columns.values()
        )
        outside = {
            name: system
            for name, system in policy.systems.items()
            if (system.kind == "saas" or system.processor)
            and system.out_of_scope is None
            and (key in system.holds or not system.holds)
        }
        running = {each.processor for each in outside.values()}
        receivers = [
            name
            for name, each in policy.processors.items()
            if name in cluster.recipients or key in each.receives or name in running
        ]
        yield DataGroup(
            key=key,
            title=_words(cluster.title),
            people=_words(policy.subjects[cluster.subject].title),
            purposes=cluster.purpose,
            classes=dict(classes),
            tables=tuple(tables),
            recipients=tuple(receivers),
            limits=tuple(_limits(policy, key)),
            undecided=_words(cluster.undecided) if cluster.undecided else None,
            stays=tuple(_stays(tables)),
            systems=tuple(name for name, each in outside.items() if each.processor is None),
        )


def _stays(tables: Mapping[str, PolicyTable]) -> Iterator[Stay]:
    skeletons = tuple(name for name, each in tables.items() if each.when_due.do == "skeleton")
    if skeletons:
        yield Stay(skeletons, (), None, None)
    kept = {name: each for name, each in tables.items() if each.when_due.do == "keep"}
    for why in dict.fromkeys(_why(each) for each in kept.values()):
        same = {name: each for name, each in kept.items() if _why(each) == why}
        classes = dict.fromkeys(
            str(column.class_)
            for each in same.values()
            for name, column in each.columns.items()
            if name not in (*each.when_due.blank, *each.when_due.replace)
        )
        yield Stay(tuple(same), tuple(classes), dict(why[0]), why[1])


def _why(table: PolicyTable) -> tuple[tuple[tuple[str, str], ...], str | None]:
    return tuple(_words(table.when_due.because or {"en": ""}).items()), table.when_due.law


def _limits(policy: Policy, cluster: str) -> Iterator[Limit]:
    for name, rule in policy.rules.items():
        if rule.cluster == cluster:
            yield Limit(
                name,
                _words(rule.title),
                rule.period,
                _words(rule.starting_point.event),
                {country: (each.period, each.law) for country, each in rule.at_least.items()},
                ("retention_sweep",),
                "retention_sweep" in built_wings()
                and not policy.clauses[rule.clause].control.planned,
            )


def _measures(policy: Policy) -> Iterator[Measure]:
    built = built_wings()
    guards = policy.guards
    if policy.rules:
        yield Measure("erasure", "retention_sweep" in built, len(policy.rules))
    if guards.approvers:
        who = [label(policy, each.name) for each in guards.approvers]
        yield Measure("approval", True, values={"who": who})
    yield Measure("roles", True)
    yield Measure("ledger", True)
    yield Measure("restore", True)
    if policy.archive:
        yield Measure("archive", _works(policy, policy.archive.clause, "invoice_archive", built))
    if policy.logs:
        yield Measure("logs", _works(policy, policy.logs.clause, "log_pseudonymisation", built))
    yield Measure("quality", "data_quality" in built)
    protected = Counter(
        column.protected
        for table in policy.tables.values()
        for column in table.columns.values()
        if column.protected
    )
    if protected:
        yield Measure("protected", True, values={str(k): n for k, n in protected.items()})
    yield Measure("requests", "subject_requests" in built)
    hours = {"hours": policy.notices.breach_hours}
    yield Measure("breach", "breach_notice" in built, values=hours)


def _works(policy: Policy, clause: str, wing: str, built: frozenset[str]) -> bool:
    found = policy.clauses.get(clause)
    return wing in built and found is not None and not found.control.planned


def _gaps(found: Processing) -> Iterator[Gap]:
    policy = found.policy
    if not policy.controller.address:
        yield Gap("address")
    if not policy.controller.dpo.email:
        yield Gap("dpo")
    if policy.controller.authority is None:
        yield Gap("authority")
    if policy.controller.country not in EEA:
        yield Gap("representative", country=policy.controller.country)
    for group in found.groups:
        if not group.limits:
            yield Gap("period", group.title)
        for stay in group.stays:
            if stay.because is not None:
                tables = ", ".join(stay.tables)
                yield Gap("endless", {"en": tables, "fr": tables})
    for key, purpose in policy.purposes.items():
        if not found.groups_of(key):
            yield Gap("purpose", _words(purpose.title))
    for processor in found.transfers:
        yield Gap("transfer", {"en": processor.name}, processor.country)
    for name, system in policy.systems.items():
        if any(name in group.systems for group in found.groups):
            yield Gap("provider", _words(system.title))
        if system.retention is None and system.out_of_scope is None and system.connector is None:
            yield Gap("system", _words(system.title))


def _words(text: Mapping[Any, str]) -> Words:
    said = {str(language): each for language, each in text.items()}
    return {"en": next(iter(said.values())), **said}
