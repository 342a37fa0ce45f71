"""Log sources, field methods and key periods."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lethe.policy.model.base import Columns, Key, Model, Table
from lethe.policy.periods import Period

Method = Literal[
    "ipcrypt-deterministic",
    "ipcrypt-pfx",
    "ipcrypt-nd",
    "token",
    "mask",
    "drop",
    "keep",
    "user-agent",
    "url",
    "text",
    "time",
]


class Field_(Model):  # noqa: N801 (Field is pydantic's)
    """What happens to one field of a log line."""

    method: Method
    """Method of pseudonymisation."""
    truncate: Literal["second", "minute", "hour", "day"] | None = None
    """For `time`: to what it is truncated."""
    query_allow: tuple[str, ...] = ()
    """For `url`: query parameters that stay; every other one goes."""
    path_templates: tuple[str, ...] = ()
    """For `url`: such as /customer/{id}; what stands in braces is replaced."""
    phones: bool = False
    """For `text` and `url`: phone numbers are masked too."""


class LogSource(Model):
    """Raw logs: files or a table of the warehouse."""

    files: str | None = None
    """Glob of files, relative to LETHE_HOME or absolute."""
    table: Table | None = None
    """Or a table of the warehouse."""
    format: str = "detect"
    """common, combined, combined-xff, combined-vhost, json, w3c, haproxy, syslog, pattern, columns
    (for a table), or detect."""
    pattern: str | None = None
    """For `pattern`: a regular expression with named groups, one a field."""
    json_fields: dict[str, str] = {}
    """For `json`: field of ours, path in the JSON line."""
    columns: dict[str, str] = {}
    """For a table: field of ours, column."""
    key: Columns | None = None
    """For a table: columns that name a row."""
    time: str | None = None
    """For a table: column of the time."""
    fields: dict[str, Field_]
    """Field and what happens to it; a field that is not named is dropped."""
    output: str = "logs"
    """Folder of the pseudonymised logs, relative to LETHE_HOME."""
    output_table: Table | None = None
    """Table of the pseudonymised logs, if the warehouse keeps them too."""
    keep: Period = Period.parse("P13M")
    """How long the pseudonymised logs are kept."""
    quarantine: Period = Period.parse("P30D")
    """How long quarantined lines are kept, encrypted."""

    @model_validator(mode="after")
    def _files_or_table(self) -> Self:
        if (self.files is None) == (self.table is None):
            raise ValueError("say exactly one of: files, table")
        if self.format == "pattern" and not self.pattern:
            raise ValueError("format pattern needs pattern: an expression with named groups")
        return self


class InPlace(Model):
    """Automatic data in another table that is pseudonymised where it lies."""

    table: Table
    """The table."""
    columns: dict[str, Field_]
    """Column and what happens to it."""
    time: str
    """Column that says which key period a row belongs to."""
    after: Period
    """How old a row must be."""


class Logs(Model):
    """Pseudonymisation of automatic data."""

    clause: Key
    """The clause that it keeps."""
    key_period: Literal["P1M"] = "P1M"
    """Life of one secret: a calendar month."""
    key_window: Period = Period.parse("P11M")
    """When a secret is destroyed, from its month's last day on: P11M is twelve months at most."""
    sources: dict[Key, LogSource] = {}
    """Log sources."""
    in_place: dict[Key, InPlace] = {}
    """Other tables with automatic data."""
    quasi_identifiers: tuple[str, ...] = ()
    """Columns of the output by which people could be told apart; none: all but pseudonyms."""
    unique_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Linkability limit: share of lines whose remaining fields are unique; above it raw stays."""
    judged_from: Annotated[int, Field(ge=1)] = 1
    """From how many lines on `unique_share` is judged: of a few lines most stand alone."""
    smallest_group: Annotated[int, Field(ge=1)] = 1
    """Linkability limit: smallest group that shares its remaining fields."""
    keys_a_night: Annotated[int, Field(ge=1)] = 24
    """How many keys a night may destroy without anybody looking; more need an approval."""


_TOKEN_WIDTH = len("_") + 16
_ADDRESS_WIDTH = len("ip_") + len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")


def least_width(column: str, method: str) -> int:
    """How many characters a column must take for a pseudonym in place to be known again."""
    if method == "token":
        # A value that is an e-mail address or a name of a host says so.
        return max(len(column), len("email")) + _TOKEN_WIDTH
    if method == "mask":
        return len(column) + len("[]")
    return _ADDRESS_WIDTH if method.startswith("ipcrypt") else 0
