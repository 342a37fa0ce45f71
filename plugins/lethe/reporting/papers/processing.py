"""The record of processing (GDPR Art. 30(1)) as plain data, from the policy alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lethe.policy.digest import policy_digest
from lethe.policy.model import Policy
from lethe.policy.model.clauses import Processor
from lethe.policy.periods import Period
from lethe.retention.clauses import built_wings

Words = Mapping[str, str]
EEA: Final = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
    "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
"""The European Economic Area, ISO 3166-1."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit for erasure (Art. 30(1)(f)).

    at_least  country → (period, the law that asks for it)
    """

    rule: str
    title: Words
    period: Period
    event: Words
    at_least: Mapping[str, tuple[Period, str]]


@dataclass(frozen=True, slots=True)
class DataGroup:
    """Data of one kind of people that end together.

    classes  class of column → how many columns
    stays    some of its rows stay without their personal columns
    """

    key: str
    title: Words
    people: Words
    purposes: tuple[str, ...]
    classes: Mapping[str, int]
    tables: tuple[str, ...]
    recipients: tuple[str, ...]
    limits: tuple[Limit, ...]
    undecided: Words | None
    stays: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """A technical or organisational measure (Art. 30(1)(g)).

    code   what it is; the catalogue says it in words
    count  of rules or the like, where the words need it
    """

    code: str
    is_built: bool
    count: int = 0
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that Art. 30(1) asks for and the policy does not say."""

    code: str
    what: Words | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Processing:
    """The whole record. Parties, purposes, processors and systems are the policy's own."""

    policy: Policy
    digest: str
    groups: tuple[DataGroup, ...]
    measures: tuple[Measure, ...]
    gaps: tuple[Gap, ...]

    def groups_of(self, purpose: str) -> tuple[DataGroup, ...]:
        """The data that are held for a purpose."""
        return tuple(group for group in self.groups if purpose in group.purposes)

    @property
    def transfers(self) -> tuple[Processor, ...]:
        """Recipients of personal data in third countries (Art. 30(1)(e))."""
        return tuple(
            each
            for each in self.policy.processors.values()
            if each.receives and each.country not in EEA
        )


def describe_processing(policy: Policy) -> Processing:
    """Describe what is processed, why, how long, for whom: pure, the same for the same policy."""
    groups = tuple(_groups(policy))
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
        receivers = [
            name
            for name, each in policy.processors.items()
            if name in cluster.recipients or key in each.receives
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
            stays=any(table.when_due.do != "erase" for table in tables.values()),
        )


def _limits(policy: Policy, cluster: str) -> Iterator[Limit]:
    for name, rule in policy.rules.items():
        if rule.cluster == cluster:
            yield Limit(
                name,
                _words(rule.title),
                rule.period,
                _words(rule.starting_point.event),
                {country: (each.period, each.law) for country, each in rule.at_least.items()},
            )


def _measures(policy: Policy) -> Iterator[Measure]:
    built = built_wings()
    guards = policy.guards
    if policy.rules:
        yield Measure("erasure", "retention_sweep" in built, len(policy.rules))
    if guards.approvers:
        yield Measure("approval", True, values={"who": [each.name for each in guards.approvers]})
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
    for key, purpose in policy.purposes.items():
        if not found.groups_of(key):
            yield Gap("purpose", _words(purpose.title))
    for processor in found.transfers:
        yield Gap("transfer", {"en": processor.name}, processor.country)
    for system in policy.systems.values():
        if system.retention is None and system.out_of_scope is None and system.connector is None:
            yield Gap("system", _words(system.title))


def _words(text: Mapping[Any, str]) -> Words:
    said = {str(language): each for language, each in text.items()}
    return {"en": next(iter(said.values())), **said}
