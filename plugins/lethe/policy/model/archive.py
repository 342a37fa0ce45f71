"""Documents whose bound data are archived, versioned and sealed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lethe.policy.model.base import (
    Columns,
    Country,
    Key,
    Model,
    MonthDay,
    Table,
    Text,
    several,
)
from lethe.policy.model.conditions import Conditions
from lethe.policy.model.rules import Minimum, StartingPoint
from lethe.policy.periods import Period


class Bound(Model):
    """A table whose data are bound to a document or to its party."""

    table: Table
    """The table."""
    columns: Columns
    """Which columns."""
    where: Conditions = ()
    """Which rows."""
    history: Table | None = None
    """History table, where the warehouse has one."""
    valid_from: str | None = None
    """Column of the history that says from when a row held."""
    valid_to: str | None = None
    """Column of the history that says until when."""

    @model_validator(mode="after")
    def _dates_of_history(self) -> Self:
        dated = self.valid_from is not None or self.valid_to is not None
        if self.history is not None and not dated:
            raise ValueError(
                f"history {self.history}: say valid_from and valid_to, its columns; without them "
                "every row of all times would be taken for the one of the day of issue"
            )
        if dated and self.history is None:
            raise ValueError(
                "valid_from and valid_to are columns of a history; name it, or drop them"
            )
        return self


class Document(Model):
    """A kind of document: invoice, credit note, payment."""

    title: Text
    """Name for people."""
    table: Table
    """Its table."""
    key: Annotated[
        tuple[str, ...], BeforeValidator(several, json_schema_input_type=str | list[str])
    ] = ()
    """Columns that name a document for good; left out: the key of its table, else its number."""
    number: str
    """Column of its number."""
    issued_on: str
    """Column of its date."""
    issued: Conditions = ()
    """Which rows are issued; drafts are left out."""
    subject: Key
    """Kind of subject that it belongs to."""
    country: str | None = None
    """Column of the country on the document."""
    currency: str | None = None
    """Column of its currency."""
    total: str | None = None
    """Column of its total."""
    corrects: str | None = None
    """Column that names the document that this one corrects."""
    columns: Columns
    """Columns of the document itself that are archived."""
    lines: tuple[Bound, ...] = ()
    """Its lines."""

    @model_validator(mode="after")
    def _lines_without_history(self) -> Self:
        if any(line.history is not None for line in self.lines):
            raise ValueError("lines: they are archived as they are; only party data have a history")
        return self


class Archive(Model):
    """The invoice archive."""

    clause: Key
    """The clause that it keeps."""
    purpose: Annotated[
        tuple[Key, ...], BeforeValidator(several, json_schema_input_type=Key | list[Key])
    ] = ()
    """Purposes that it serves, for the record of processing; empty: those of its subjects' data
    that rest on a legal obligation."""
    documents: Annotated[dict[Key, Document], Field(min_length=1)]
    """Kinds of document."""
    party: tuple[Bound, ...] = ()
    """Contact, payment and billing data of the subject, versioned once a subject."""
    starting_point: StartingPoint
    """Deactivation of the account."""
    period: Period
    """How long after deactivation a record is kept."""
    financial_year_end: MonthDay = "12-31"
    """Last day of the financial year, month-day."""
    legal_minimum: dict[Country, Minimum] = {}
    """Minimum from the end of the document's financial year, by country; the controller's country
    binds unless a cited law binds otherwise."""
    recovery_key: str | None = None
    """File below `include/` with the public recovery key (X25519, PEM)."""


class Expectation(Model):
    """An extra quality expectation."""

    table: Table
    """The table."""
    column: str | None = None
    """The column, for a column expectation."""
    expect: Literal[
        "not_null",
        "unique",
        "matches",
        "in_set",
        "between",
        "fresh",
        "row_count",
        "references",
        "sql",
    ]
    """What is expected."""
    where: Conditions = ()
    """Of which rows."""
    values: tuple[str | int | float, ...] = ()
    """For in_set, between, row_count: the values."""
    pattern: str | None = None
    """For matches: a POSIX regular expression."""
    references: Table | None = None
    """For references: the other table."""
    statement: str | None = None
    """For sql: a SELECT that gives the rows that are wrong."""
    within: Period | None = None
    """For fresh: how old the newest value may be."""
    mostly: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of rows for which it must hold."""
    severity: Literal["critical", "warning"] = "warning"
    """critical stops the rules that it touches."""
    clause: Key
    """The clause that it checks."""
    owner: str | None = None
    """Who mends it."""
    title: Text | None = None
    """What it expects, in words for reports; without it they show its key."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs = {
            "matches": "pattern",
            "references": "references",
            "sql": "statement",
            "fresh": "within",
        }
        need = needs.get(self.expect)
        if need and getattr(self, need) is None:
            raise ValueError(f"expect {self.expect} needs {need}")
        return self


CheckKind = Literal[
    "card",
    "iban",
    "address",
    "automatic",
    "critical",
    "password",
    "email",
    "country",
    "vat",
    "consent",
    "withdrawal",
    "minors",
    "disclosure",
    "told",
    "processors",
    "overdue",
    "orphans",
    "parts",
    "dates",
    "archive",
    "links",
    "freshness",
    "volume",
    "classified",
    "leak",
    "unread",
]
"""Kinds of expectations that follow from the rest of the policy."""


class Check(Model):
    """What differs from the defaults for one kind of derived expectation."""

    clause: Key | None = None
    """The clause that it checks."""
    severity: Literal["critical", "warning"] | None = None
    """critical: the night of `data_quality` fails; inputs stop the rules that they touch."""
    mostly: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of rows for which it must hold."""
    few: Annotated[int, Field(ge=0)] | None = None
    """So many rows may break it whatever their share: of few rows one is a large part."""
    owner: str | None = None
    """Who mends it."""
    off_because: Text | None = None
    """It is not checked, and why."""


class Quality(Model):
    """Data quality."""

    checks: dict[CheckKind, Check] = {}
    """What differs for a kind of derived expectation: its clause, severity, threshold, owner."""

    extra: dict[Key, Expectation] = {}
    """Expectations beyond those derived from clauses, clusters and rules."""
    owner: str | None = None
    """Who mends what has no owner of its own."""
    freshness: dict[str, Period] = {}
    """Table (schema.table) and how old its newest activity may be."""
