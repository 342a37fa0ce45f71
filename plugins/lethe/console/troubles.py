"""What can be wrong with a page, as a status, a code and a sentence that says the way out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg2
from fastapi.exceptions import HTTPException

from lethe.console.warehouse import NoSummary
from lethe.errors import (
    ConfigurationError,
    GuardStop,
    LetheError,
    PolicyError,
    UsageError,
    WarehouseRefused,
    WarehouseUnreachable,
    describe_database_error,
)

_CODES = {401: "anonymous", 403: "forbidden", 404: "nowhere", 405: "nowhere"}
_FORM = {"forged", "too long", "no_decision", "other_set", "no_reason", "not_sure"}


def trouble_of(error: Exception) -> tuple[int, str, str | None]:
    """Say of an error its HTTP status, the code of its page, and what Lethe said of it.

    Lethe's own messages hold names, counts and days only; those of anybody else are not shown.
    """
    if isinstance(error, HTTPException):
        return error.status_code, _CODES.get(error.status_code, "failed"), None
    if isinstance(error, NoSummary):
        return 200, "no_summary", None
    if isinstance(error, WarehouseUnreachable):
        return 503, "unreachable", str(error)
    if isinstance(error, PolicyError):
        named = (replace(fault, file=Path(fault.file).name) for fault in error.faults)
        return 503, "policy", "\n".join(map(str, named))
    if isinstance(error, ConfigurationError):
        return 503, "not_ready", str(error)
    if isinstance(error, GuardStop):
        return 409, "stopped", str(error)
    if isinstance(error, UsageError) and str(error) in _FORM:
        return (403 if str(error) == "forged" else 400), str(error).replace(" ", "_"), None
    if isinstance(error, WarehouseRefused) and error.sqlstate == "57014":
        return 503, "slow", str(error)
    if isinstance(error, LetheError):
        return 503, "refused", str(error)
    if isinstance(error, psycopg2.Error):
        return 503, "refused", describe_database_error(error)
    return 500, "failed", None
