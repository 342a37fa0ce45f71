"""Places: the warehouse and what needs an answer there, other systems, witness, backups."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lethe.policy.model.base import Columns, Key, Model, Table, Text, TimeOfDay
from lethe.policy.periods import Period


class Ignored(Model):
    """Tables that the policy does not look at."""

    schema_: str | None = Field(None, alias="schema")
    """A whole schema."""
    table: Table | None = None
    """One table."""
    because: Text
    """Why nothing personal can be there."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.schema_ is None) == (self.table is None):
            raise ValueError("say exactly one of: schema, table")
        return self


class Answer(Model):
    """The answer to something that could delete or copy out of sight."""

    kind: Literal[
        "view",
        "materialised_view",
        "foreign_table",
        "trigger",
        "event_trigger",
        "rule",
        "publication",
        "row_security",
        "large_object",
        "cascade",
        "subscription",
    ]
    """What it is."""
    name: str
    """Its name as `lethe policy check` prints it."""
    answer: Literal["refresh", "copy", "ignore"]
    """`refresh` it after a sweep; it is a known `copy` (listed in the report); or `ignore`."""
    because: Text
    """Why that is right."""


class Warehouse(Model):
    """Which part of the database the policy speaks about."""

    schemas: tuple[str, ...] = ()
    """Schemas; empty: all but the server's and Lethe's own."""
    ignore: tuple[Ignored, ...] = ()
    """What is left out, and why."""
    answers: tuple[Answer, ...] = ()
    """Answers for views, triggers, publications and the like."""


class Connector(Model):
    """How files of a system are destroyed."""

    kind: Literal["folder", "object_store"]
    """A local folder, or any store that Airflow's ObjectStoragePath reaches."""
    location: str
    """Folder (relative to LETHE_HOME) or URL such as s3://bucket/prefix."""
    connection: str | None = None
    """Airflow connection of the store."""


class System(Model):
    """Another place where the same data lie."""

    title: Text
    """Name for people."""
    kind: Literal["source", "replica", "bi", "file_store", "backup", "saas", "hosted"]
    """What sort of place."""
    owner: str
    """Who answers for it."""
    holds: tuple[str, ...] = ()
    """Clusters that it holds; empty: all."""
    retention: Period | None = None
    """How long it keeps what the warehouse has erased."""
    connector: Connector | None = None
    """How Lethe reaches it; without one it reads 'not kept' for what it holds."""
    processor: Key | None = None
    """Which of the `processors` runs it, if another company does."""
    out_of_scope: Text | None = None
    """Why nothing of it is the controller's to erase."""


class Witness(Model):
    """A place outside the warehouse that a restore does not roll back."""

    kind: Literal["file", "postgres"] = "file"
    """A sealed append-only file, or another PostgreSQL."""
    location: str = "witness"
    """Folder of the file, relative to LETHE_HOME, or the Airflow connection of the database."""


class Evidence(Model):
    """The life of the evidence itself."""

    subject_rows: Period = Period.parse("P3Y")
    """How long ledger rows about single subjects are kept; seals stay."""
    backups: Period = Period.parse("P90D")
    """How long backups hold what was erased."""
    late_import_window: Period = Period.parse("P30D")
    """How long an old import may still bring somebody back."""
    witness: Witness = Witness()
    """Where the witness is."""


class Undecided(Model):
    """When something without a usable period makes its clause 'not kept'."""

    default: Period = Period.parse("P2Y")
    """Subjects without starting point, clusters without period."""
    refused_dates: Period = Period.parse("P30D")
    """Subjects whose dates were refused."""


class Recipient(Model):
    """Who gets the reports."""

    email: str
    """Address."""
    language: Literal["en", "fr"] = "en"
    """Language of the mail."""
    reports: tuple[Literal["day", "month", "alarm", "failure"], ...] = ("day", "month", "alarm")
    """Which of them; `failure`: failed tasks, for engineers (else they go out as alarms)."""


class Mail(Model):
    """Reports by e-mail."""

    sender: str
    """From address."""
    recipients: Annotated[tuple[Recipient, ...], Field(min_length=1)]
    """Who gets them."""
    connection: str = "lethe_smtp"
    """Airflow connection of the mail server."""
    max_bytes: Annotated[int, Field(ge=10_000)] = 10_000_000
    """Largest mail; beyond that attachments are named and not sent."""
    due_by: TimeOfDay = "07:00"
    """Hour by which a report is there; every mail says when to expect the next one."""


class Notices(Model):
    """Announcing a changed policy, and telling about breaches."""

    days_before: Annotated[int, Field(ge=0)] = 10
    """Full calendar days between the announcement and the first run of new rules."""
    channel: tuple[Literal["email", "site"], ...] = ("email",)
    """How it is announced."""
    breach_hours: Annotated[int, Field(ge=1)] = 72
    """Hours to tell the authority about a breach (GDPR Art. 33)."""


class AgeLimit(Model):
    """What happens to the young, where the warehouse has a birth date."""

    subject: Key
    """Kind of subject with a `birth_date`."""
    erase_under: Annotated[int, Field(ge=1)] | None = None
    """Age in years under which an account is erased."""
    report_under: Annotated[int, Field(ge=1)] | None = None
    """Age in years under which an account is blocked and reported."""
    clause: Key
    """The clause that it keeps."""
    sales: tuple[Table, ...] = ()
    """Tables whose rows are sales; by default the documents of the archive."""


class Disclosures(Model):
    """The register of disclosures: who got what, on which ground, and whether people were told."""

    table: Table
    """Table of the register."""
    ground: str
    """Column with the ground."""
    grounds: tuple[str, ...]
    """Grounds that the policy lists."""
    recipient: str
    """Column with the recipient."""
    recipients: tuple[str, ...] = ()
    """Recipients that the policy lists, besides its processors; empty: any."""
    told_on: str | None = None
    """Column with the day on which the person was told."""
    not_told_because: str | None = None
    """Column with the reason why not."""


class Consent(Model):
    """Where consents stand, and what may only exist with one."""

    subject: Key
    """Kind of subject."""
    table: Table
    """Table of consents."""
    purpose: str
    """Column that names the purpose."""
    purposes: tuple[str, ...] = ()
    """Values of that column that this entry is about; empty: any."""
    given_at: str
    """Column: since when."""
    withdrawn_at: str
    """Column: until when; NULL while it lives."""
    needed_by: dict[str, Columns] = {}
    """Tables (schema.table) whose rows need a live consent, and the columns that match."""
