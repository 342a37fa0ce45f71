"""The errors of Lethe, drawn as a tree, and the exit code that each one means.

    LetheError                      3  an act failed
    ├── UsageError                  2  the command or its options are wrong
    │   └── PolicyError             2  the policy file, alone or against the catalogue
    ├── ConfigurationError          2  a connection, key or setting is missing or wrong
    ├── AnswerIsNo                  1  a check failed
    │   ├── GuardStop               1  a guard stopped the act
    │   └── TamperingFound          1  a proof does not verify
    └── ActError                    3  something could not be done
        ├── WarehouseUnreachable    3  no server, wrong password, no such database
        ├── WarehouseRefused        3  the server answered with an error
        └── VerificationError       3  the read-back found what should not be

A message says where, what, and the way out; it names rules, tables and columns, and never
holds the value of a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg2


class LetheError(Exception):
    """Base of everything that Lethe raises on purpose."""

    exit_code = 3


class UsageError(LetheError):
    """The command, its options or an argument are wrong."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a policy file, with its place.

    line   1-based line in the file, 0 if the fault has none
    path   dotted path of keys, '' for the file itself
    """

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class PolicyError(UsageError):
    """All faults of a policy, collected before raising."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class ConfigurationError(UsageError):
    """A connection, key or setting is missing or wrong."""


class AnswerIsNo(LetheError):
    """The question was answered, and the answer is no."""

    exit_code = 1


class GuardStop(AnswerIsNo):
    """A guard stopped an act; nothing was done."""


class TamperingFound(AnswerIsNo):
    """A proof does not verify."""


class ActError(LetheError):
    """Something could not be done."""


class WarehouseUnreachable(ActError):
    """No server answers, or it does not let us in."""


class WarehouseRefused(ActError):
    """The server answered with an error; only its SQLSTATE, table and constraint are kept."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        self.sqlstate = sqlstate
        super().__init__(message)


class VerificationError(ActError):
    """The read-back after an act found what should not be there."""


_ABOUT_RIGHTS = frozenset({"aclcheck_error", "aclcheck_error_col", "check_enable_rls"})
"""Functions of the server that complain of rights: not those that raise what somebody wrote."""
_DENIED = re.compile(
    r"for (?P<kind>table|view|schema|sequence|function|procedure|column|database|"
    r"materialized view|foreign table|relation) (?P<name>\"[^\"]+\"|\S+)"
)


def describe_database_error(error: psycopg2.Error) -> str:
    """Say of a database error only what carries no value of a row.

    Returns  'SQLSTATE 23503, table crm.ticket, constraint ticket_account_fkey'
    Source   PostgreSQL, Appendix A; the primary message and DETAIL carry values, but for the
             server's own words about rights, which name an object and nothing else
    """
    parts = [f"SQLSTATE {error.pgcode}" if error.pgcode else type(error).__name__]
    if error.diag.table_name:
        schema = f"{error.diag.schema_name}." if error.diag.schema_name else ""
        parts.append(f"table {schema}{error.diag.table_name}")
    if error.diag.column_name:
        parts.append(f"column {error.diag.column_name}")
    if error.diag.constraint_name:
        parts.append(f"constraint {error.diag.constraint_name}")
    if error.diag.source_function in _ABOUT_RIGHTS:
        parts += _denied(error.diag.message_primary or "")
    return ", ".join(parts)


def _denied(message: str) -> list[str]:
    """Which object of the catalogue is meant, and what stands in the way."""
    found = _DENIED.search(message)
    if found is None:
        return []
    what = f"{found['kind']} {found['name'].strip(chr(34))}"
    return [
        f"row-level security filters {what}" if "row-level" in message else f"no right on {what}"
    ]
