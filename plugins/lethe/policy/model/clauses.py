"""Clauses, purposes and the parties: what was published, and by whom."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from lethe.policy.model.base import Columns, Country, Key, Model, Text, several
from lethe.policy.model.subjects import ColumnClass

Wing = Literal[
    "retention_sweep",
    "log_pseudonymisation",
    "invoice_archive",
    "data_quality",
    "subject_requests",
    "policy_notice",
    "breach_notice",
    "reidentification",
    "compliance_report",
    "policy_check",
]

ARCHIVE_PARTS: Final = ("capture", "encryption", "end", "law")
"""What of the archive's work may show a promise: documents captured, records opened from their
sealed form, records that ended, records that a cited law kept longer."""
COLUMN_CLASSES: Final[tuple[str, ...]] = get_args(ColumnClass)


class Edition(Model):
    """Which policy this is, and which edition of it."""

    name: Key
    """Short name of the policy, the same in every edition."""
    version: Annotated[str, Field(min_length=1)]
    """Edition, such as '2026-01'."""
    title: Text
    """Title for people."""
    published_at: str | None = None
    """Where it is published."""
    language: Literal["en", "fr"] = "en"
    """Language of the published text."""
    announced_on: date | None = None
    """Day on which this edition was announced to the people concerned."""
    effective_from: date
    """First day on which its rules run."""
    time_zone: str = "UTC"
    """IANA zone in which calendar days are counted."""
    naive_time_zone: str = "UTC"
    """IANA zone in which columns without a zone are read."""


class Party(Model):
    """A controller, an officer or an owner."""

    name: str
    """Name of the company, office or person."""
    address: str | None = None
    """Postal address."""
    email: str | None = None
    """Where mail reaches it."""


class Controller(Party):
    """The controller (GDPR Art. 4(7)) and its officers."""

    country: Country
    """Country whose legal minimum periods bind the controller."""
    registration: str | None = None
    """Number in the company register."""
    contact: str
    """Address for people's requests."""
    dpo: Party
    """The data-protection officer."""
    authority: Party | None = None
    """The supervisory authority."""


class Purpose(Model):
    """A purpose of processing and its lawful basis (GDPR Art. 6)."""

    title: Text
    """What the data are used for."""
    basis: Literal[
        "consent",
        "contract",
        "legal_obligation",
        "vital_interests",
        "public_task",
        "legitimate_interest",
    ]
    """Lawful basis, GDPR Art. 6(1)(a) to (f)."""
    interest: Text | None = None
    """The legitimate interest, where that is the basis."""
    law: str | None = None
    """The law, where a legal obligation is the basis."""
    against_fraud: bool = False
    """It prevents fraud or abuse: automatic data may stand beside a person for it."""

    @model_validator(mode="after")
    def _basis_is_explained(self) -> Self:
        if self.basis == "legal_obligation" and not self.law:
            raise ValueError("basis legal_obligation needs law: the article that obliges")
        if self.basis == "legitimate_interest" and not self.interest:
            raise ValueError("basis legitimate_interest needs interest: which one")
        return self


class Control(Model):
    """How one promise is kept."""

    kind: Literal["enforced", "checked", "organisational"]
    """A DAG acts, a quality check fails when it is untrue, or nothing in a warehouse can."""
    by: tuple[Wing, ...] = ()
    """The DAGs or checks that keep it."""
    rules: Columns | None = None
    """The deletion rules that keep it, if it is about deletion."""
    planned: bool = False
    """The control is not built yet: the clause reads 'not yet kept'."""
    because: Text | None = None
    """Why nothing in a warehouse can act on it (organisational)."""
    owner: str | None = None
    """Who answers for an organisational control."""
    tests: tuple[str, ...] = ()
    """Tests that prove the control."""
    shown_by: Annotated[
        tuple[str, ...], BeforeValidator(several, json_schema_input_type=str | list[str])
    ] = ()
    """What of the control's work is this promise's own proof: of `policy_check` the column classes
    and tables that it is about, of `invoice_archive` one of capture, encryption, end, law."""

    @property
    def covers(self) -> tuple[str, ...]:
        """Column classes and tables whose columns the promise is about."""
        return tuple(name for name in self.shown_by if name not in ARCHIVE_PARTS)

    @model_validator(mode="after")
    def _shown_by_a_control(self) -> Self:
        parts = [name for name in self.shown_by if name in ARCHIVE_PARTS]
        if parts and "invoice_archive" not in self.by:
            raise ValueError(f"shown_by {parts[0]} needs by: [invoice_archive]")
        if self.covers and "policy_check" not in self.by:
            raise ValueError(f"shown_by {self.covers[0]} needs by: [policy_check]")
        return self

    @model_validator(mode="after")
    def _kind_is_explained(self) -> Self:
        if self.kind == "organisational" and not self.because:
            raise ValueError("an organisational control needs because")
        if self.kind != "organisational" and not self.by:
            raise ValueError(f"kind {self.kind} needs by: which DAG keeps it")
        return self


class Clause(Model):
    """One promise of the published policy."""

    section: str
    """Where it stands in the published text, such as '9' or '7.1'."""
    sentence: Annotated[str, Field(pattern=r"^[1-9][0-9]*(-[1-9][0-9]*)?$")] | None = None
    """Which sentence of that section, counted from 1, such as '3' or '2-4'."""
    promise: Text
    """What is promised, in our own words."""
    control: Control
    """How it is kept."""


class Reading(Model):
    """How a sentence that can be read in more than one way is read here, for somebody to confirm.

    It documents: confirming one changes nothing of what runs, and makes no new edition.
    """

    clause: Key | None = None
    """The clause whose sentence it is."""
    question: Text
    """What the text leaves open."""
    reading: Text
    """How this file reads it."""
    why: Text
    """What depends on it."""
    owner: str | None = None
    """Who must confirm it."""
    confirmed_by: str | None = None
    """Who confirmed it."""
    confirmed_on: date | None = None
    """On which day."""

    @model_validator(mode="after")
    def _confirmed_is_whole(self) -> Self:
        if (self.confirmed_by is None) != (self.confirmed_on is None):
            raise ValueError(
                "confirmed_by and confirmed_on go together: who confirmed it, and when"
            )
        return self


class Processor(Model):
    """A processor or recipient (GDPR Art. 28, 30(1)(d))."""

    name: str
    """Name of the company."""
    service: Text
    """What it does."""
    country: Country
    """Where the data are."""
    receives: tuple[str, ...] = ()
    """Column classes or clusters that it gets; empty: nothing about customers."""
    notify_erasure: bool = False
    """Erasures and restrictions are passed on to it (GDPR Art. 19)."""
    grounds: tuple[str, ...] = ()
    """On which of the listed grounds."""
