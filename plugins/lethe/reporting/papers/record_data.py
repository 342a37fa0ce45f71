"""What the record of processing is made of, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lethe.policy.model import Policy
from lethe.policy.model.clauses import Processor
from lethe.policy.periods import Period

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
    year_end  month and day from which `at_least` runs; None: from the event
    kept_by   what applies it; is_built: it is there and not only planned
    """

    rule: str
    title: Words
    period: Period
    event: Words
    at_least: Mapping[str, tuple[Period, str]]
    kept_by: tuple[str, ...] = ()
    is_built: bool = True
    year_end: str | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """Rows that stay when their data are due.

    classes  what they still hold
    because  why; None: only their key stays, because another row references it
    """

    tables: tuple[str, ...]
    classes: tuple[str, ...]
    because: Words | None
    law: str | None


@dataclass(frozen=True, slots=True)
class DataGroup:
    """Data of one kind of people that end together.

    classes  class of column → how many columns
    systems  places outside that get it and whose company the policy does not name
    stays    rows that stay when the rest goes
    copy_of  documents whose sealed copies it is; none: it lies in the tables themselves
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
    stays: tuple[Stay, ...]
    systems: tuple[str, ...] = ()
    copy_of: tuple[Words, ...] = ()


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
