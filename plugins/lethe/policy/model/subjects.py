"""Kinds of subject, clusters, tables: who hangs where in the warehouse."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lethe.policy.model.base import Columns, Key, Model, Table, Text
from lethe.policy.model.conditions import Conditions

ColumnClass = Literal[
    "key",
    "identifier",
    "name",
    "contact",
    "credential",
    "critical",
    "payment",
    "billing",
    "birth_date",
    "automatic",
    "behaviour",
    "content",
    "preference",
    "date",
    "special",
]


class Identifier(Model):
    """A natural identifier: what recognises the same person elsewhere or later."""

    columns: Columns
    """Column or columns of the subject's table."""
    normalise: Literal["exact", "lower", "digits"] = "lower"
    """How values are made comparable before they are keyed."""


def _identifier(value: Any) -> Any:
    return {"columns": value} if isinstance(value, (str, list)) else value


class Subject(Model):
    """A kind of subject: account holders, newsletter readers, visitors, single log lines."""

    title: Text
    """Name for people, in the plural."""
    table: Table | None = None
    """Table in which the subjects are found; say this or `query`."""
    query: str | None = None
    """SELECT that gives the key columns of the subjects, where no single table does."""
    key: Columns
    """Columns that name one subject. They need not be unique: rows with the same key are one
    subject, and rows whose key is NULL are nobody's."""
    where: Conditions = ()
    """Which rows of the table are subjects of this kind."""
    identifiers: dict[
        Key,
        Annotated[
            Identifier,
            BeforeValidator(_identifier, json_schema_input_type=Identifier | str | list[str]),
        ],
    ] = {}
    """Natural identifiers for tombstones and requests, such as e-mail or customer number."""
    country: str | None = None
    """Column of the subject's table that holds the ISO 3166-1 alpha-2 country."""
    birth_date: str | None = None
    """Column of the subject's table that holds a birth date, if the company has one anyway."""
    contact: str | None = None
    """Column of the subject's table with the e-mail address for letters."""

    @model_validator(mode="after")
    def _table_or_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("say exactly one of: table, query")
        twice = sorted({column for column in self.key if self.key.count(column) > 1})
        if twice:
            raise ValueError(f"key names column '{twice[0]}' twice; once is enough")
        return self


def _keys(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Cluster(Model):
    """A cluster of personal data (DIN 66398): data of one kind of subject that end together."""

    title: Text
    """Name for people."""
    subject: Key
    """Kind of subject on which it hangs."""
    purpose: Annotated[
        tuple[Key, ...], BeforeValidator(_keys, json_schema_input_type=Key | list[Key])
    ]
    """Purposes of processing."""
    recipients: tuple[Key, ...] = ()
    """Processors that get it."""
    undecided: Text | None = None
    """Why there is no usable period yet; the clause reads 'not kept' after `undecided_after`."""


class Column(Model):
    """A personal column: its class, and how it is protected."""

    class_: ColumnClass = Field(alias="class")
    """What the column holds."""
    protected: Literal["encrypted", "pseudonymised", "hashed", "tokenised"] | None = None
    """How a critical value or credential lies in the warehouse."""
    clear_because: Text | None = None
    """Why a critical value lies in the clear; it is reported all the same."""
    file_reference: Key | None = None
    """The column names a file in this system (`systems`); it is destroyed with the row."""
    format: str | None = None
    """POSIX regular expression that a protected value matches, such as '^enc:v1:'."""
    holds: Literal["email", "country", "vat"] | None = None
    """What the values must look like; by default it is told from the name of the column."""
    excuse: Literal["card", "iban", "address"] | None = None
    """Content gate from which this column is excused, such as order numbers of 16 digits."""


def _column(value: Any) -> Any:
    return {"class": value} if isinstance(value, str) else value


def _pairs(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return [(name, text if isinstance(text, str) else str(text)) for name, text in value.items()]


class Link(Model):
    """How rows of this table hang on rows of another: a foreign key, or one never declared."""

    columns: Columns
    """Columns of this table."""
    to: Table | None = None
    """The other table; none: these columns hold the key of the subject itself."""
    references: Columns | None = None
    """Columns of the other table; needed only where no foreign key says so. They need not be
    unique: then the row hangs on every row that matches (a contact shared by accounts)."""
    role: Literal["owner", "reference"] = "owner"
    """`owner`: the row belongs to whom the other row belongs to. `reference`: it only points."""
    when_gone: Literal["unlink"] | None = None
    """What happens here when the other row is erased and this one stays: the columns go NULL."""
    match: Literal["exact", "lower", "text"] = "exact"
    """How values compare where no foreign key declares the link: `lower` without regard to case,
    `text` by their text, where one column is text and the other a uuid or a number."""
    where: Annotated[
        tuple[tuple[str, str], ...], BeforeValidator(_pairs, json_schema_input_type=dict[str, str])
    ] = ()
    """Column → value, as text: only rows with these values hang by this link. For tables that hang
    on several others by type and id."""


class Action(Model):
    """What happens to a table's rows when their cluster is due."""

    do: Literal["erase", "skeleton", "keep"] = "erase"
    """`erase` the row; `skeleton`: erase it unless a row that stays references it, then keep the
    key and blank every personal column; `keep` the row and blank or replace columns."""
    blank: tuple[str, ...] = ()
    """Columns that go NULL (with `skeleton` all personal columns that are no key, by default)."""
    replace: dict[str, str] = {}
    """Columns that get a fixed text; `{token}` in it becomes a fresh random token a row."""
    because: Text | None = None
    """Why rows stay (`keep`)."""
    law: str | None = None
    """The law that asks for it, if one does."""

    @model_validator(mode="after")
    def _keep_is_explained(self) -> Self:
        if self.do == "keep" and not self.because:
            raise ValueError("keep needs because: why the rows stay")
        if self.do == "erase" and (self.blank or self.replace):
            raise ValueError("erase takes no blank or replace; say do: keep or do: skeleton")
        return self


def _action(value: Any) -> Any:
    return {"do": value} if isinstance(value, str) else value


class Rows(Model):
    """A part of a table's rows that belongs to a cluster of its own."""

    cluster: Key
    """The cluster of these rows."""
    where: Conditions = ()
    """Which rows."""
    links: tuple[Link, ...] = ()
    """How these rows hang on their subject, if not as the table's `links` say."""


class PolicyTable(Model):
    """One table: cluster, class of every column, links, action."""

    cluster: Key | None = None
    """Cluster of all its rows. A table without cluster holds nothing personal."""
    rows: tuple[Rows, ...] = ()
    """Instead of `cluster`: rows of one table that belong to several clusters, by condition."""
    columns: dict[
        str,
        Annotated[Column, BeforeValidator(_column, json_schema_input_type=Column | ColumnClass)],
    ] = {}
    """Personal columns and their class."""
    not_personal: tuple[str, ...] = ()
    """Columns that say nothing about a person."""
    links: tuple[Link, ...] = ()
    """Links that no foreign key declares, and roles of those that one does."""
    activity: str | None = None
    """Column that tells when a row came; a row newer than the cut-off stops its subject."""
    drop_partitions: bool = False
    """Partitions that lie wholly past their period are dropped at once, with count and digest as
    evidence, where every row is a subject of its own (logs, sessions)."""
    linked_because: Text | None = None
    """Why automatic data may stand beside a person here, if not to prevent fraud."""
    when_due: Annotated[
        Action,
        BeforeValidator(_action, json_schema_input_type=Action | Literal["erase", "skeleton"]),
    ] = Action()
    """What happens to the rows when they are due."""

    @model_validator(mode="after")
    def _cluster_or_rows(self) -> Self:
        if self.cluster and self.rows:
            raise ValueError("say cluster or rows, not both")
        twice = sorted(set(self.columns) & set(self.not_personal))
        if twice:
            raise ValueError(f"column {twice[0]} stands under columns and under not_personal")
        if self.columns and not self.cluster and not self.rows:
            raise ValueError("it has personal columns, so it needs a cluster")
        return self
