"""What the page reads of the warehouse: Lethe's own small tables, as the reader, for a moment.

Nothing here touches a table of the warehouse itself, and no statement may take longer than the
limit: a page that waits is worse than a page that says why it is empty.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import errorcodes, extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as, open_dsn, warehouse_dsn
from lethe.errors import (
    ConfigurationError,
    LetheError,
    WarehouseRefused,
    WarehouseUnreachable,
    describe_database_error,
)
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.witness import Witness
from lethe.evidence.witness_opening import open_witness
from lethe.guards.undecided import expiry_rule
from lethe.include import statement
from lethe.reporting.json_form import summary_from_json
from lethe.reporting.summary import Summary
from lethe.retention.health import Health, check_health

STATEMENT_TIMEOUT_MS = 3_000
EXPIRY = expiry_rule("")
_CONNECT_TIMEOUT_S = 3
_AT_ONCE = threading.BoundedSemaphore(4)
_PATIENCE_S = 5.0
_summaries: dict[tuple[str, str, str], tuple[datetime | None, Summary | None]] = {}


class NoSummary(LetheError):
    """No report has been made yet."""


@dataclass(frozen=True, slots=True)
class OpenSet:
    """A frozen set that waits for a person, or was approved and is not worked off yet."""

    run_id: UUID
    rule: str
    state: str
    cluster: str | None
    clause: str | None
    subject: str
    as_of: date
    version: str
    policy_digest: bytes
    requested_by: str | None
    started_at: datetime
    due: int
    oldest_on: date | None
    newest_on: date | None
    usual: float | None
    over_limit: str
    flags: Mapping[str, Any]
    digest: bytes
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None

    @property
    def is_expiry(self) -> bool:
        """Documents of the archive past their last day, not subjects of a rule."""
        return self.rule.startswith(EXPIRY)

    @property
    def is_waiting(self) -> bool:
        """Nobody has answered yet."""
        return self.state == "waiting" and self.decision is None

    @property
    def risks(self) -> Mapping[str, int]:
        """Risk flag → how many of the set carry it."""
        return {name: count for name, count in self.flags.get("risk", {}).items() if count}

    @property
    def newest_activity(self) -> date | None:
        """Day of the newest row that hangs on anybody in the set."""
        text = self.flags.get("newest_activity_on")
        return date.fromisoformat(text) if text else None

    @property
    def status(self) -> str:
        """How it stands, as a code: waiting, approved, rejected or being worked off."""
        if self.state == "approved":
            return "working"
        return {"approve": "approved", "reject": "rejected"}.get(self.decision or "", "waiting")


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run of any duty."""

    run_id: UUID
    kind: str
    name: str | None
    version: str
    as_of: date
    requested_by: str | None
    started_at: datetime
    finished_at: datetime | None
    state: str
    reason: str | None
    seal_no: int | None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        done = self.finished_at
        return None if done is None else (done - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Night:
    """One night of the sweep and its sums: subjects."""

    run_id: UUID
    as_of: date
    state: str
    reason: str | None
    seal_no: int | None
    started_at: datetime
    finished_at: datetime | None
    erased: int
    kept: int
    waiting: int

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        done = self.finished_at
        return None if done is None else (done - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class RunRule:
    """One rule of a run, as planned and as far as it is."""

    rule: str
    clause: str | None
    state: str
    planned: int
    counts: Mapping[str, int]
    oldest_on: date | None
    over_limit: str | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class HoldLine:
    """A hold or restriction in force, without its subject."""

    kind: str
    id: UUID
    subject: str
    query: str | None
    owner: str
    review_on: date
    created_at: datetime


@contextmanager
def reading(site: Site) -> Iterator[extensions.connection]:
    """A short-lived connection in one transaction of the reader.

    Raises  WarehouseUnreachable, ConfigurationError, WarehouseRefused; never with a value
    """
    if not _AT_ONCE.acquire(timeout=_PATIENCE_S):
        raise WarehouseUnreachable("too many people read the page at once; try again in a moment")
    try:
        dsn = extensions.make_dsn(
            warehouse_dsn(site.dsn, "reader"), connect_timeout=str(_CONNECT_TIMEOUT_S)
        )
        connection = open_dsn(dsn)
        try:
            connection.set_session(readonly=True)
            acting_as(connection, "reader")
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)",
                    (str(STATEMENT_TIMEOUT_MS),),
                )
            yield connection
        except psycopg2.Error as error:
            raise _told(error) from None
        finally:
            connection.close()
    finally:
        _AT_ONCE.release()


def read_summary(connection: extensions.connection, site: Site, period: str = "day") -> Summary:
    """Read the newest summary that a report left; one that is known is not read again.

    Raises  NoSummary if there is none yet
    """
    name = (connection.dsn, site.edition[0], period)
    known, summary = _summaries.get(name, (None, None))
    values = {"policy_name": site.edition[0], "period": period, "known": known}
    rows = _rows(connection, "console/read_newest_summary", values)
    if not rows:
        raise NoSummary("no report has been made yet")
    made_at, document = rows[0]
    if document is not None or summary is None:
        summary = summary_from_json(document)
        _summaries.clear()
        _summaries[name] = (made_at, summary)
    return summary


def read_open_sets(connection: extensions.connection, site: Site) -> list[OpenSet]:
    """Read what waits and what is approved and not worked off, newest plan first."""
    rows = _rows(connection, "console/list_open_sets", {"policy_name": site.edition[0]})
    return [_open_set(row) for row in rows]


def read_runs(connection: extensions.connection, site: Site, most: int = 400) -> list[RunLine]:
    """Read the newest runs of every duty, newest first."""
    rows = _rows(connection, "console/list_runs", {"policy_name": site.edition[0], "most": most})
    return [RunLine(UUID(str(row[0])), *row[1:]) for row in rows]


def read_nights(connection: extensions.connection, site: Site, most: int = 30) -> list[Night]:
    """Read the newest nights of the sweep, newest first."""
    values = {"policy_name": site.edition[0], "most": most}
    rows = _rows(connection, "console/list_nights", values)
    return [Night(UUID(str(row[0])), *row[1:]) for row in rows]


def find_run(
    connection: extensions.connection, site: Site, name: str, kinds: Sequence[str]
) -> UUID | None:
    """Find the run that a DAG run made; None if it made none."""
    values = {"policy_name": site.edition[0], "name": name, "kinds": list(kinds)}
    rows = _rows(connection, "console/find_run", values)
    return UUID(str(rows[0][0])) if rows else None


def read_run_rules(connection: extensions.connection, run_id: UUID) -> list[RunRule]:
    """Read the rules of a run."""
    rows = _rows(connection, "retention/list_plan_rules", {"run_id": str(run_id)})
    return [
        RunRule(row[0], row[3], row[4], row[5], row[6], row[7], row[9], row[10] and bytes(row[10]))
        for row in rows
    ]


def read_run_tables(connection: extensions.connection, run_id: UUID) -> dict[str, tuple[int, int]]:
    """Read table → rows deleted, rows changed of a run."""
    found: dict[str, tuple[int, int]] = {}
    for _, table, deleted, changed in _rows(
        connection, "retention/list_tables", {"run_id": str(run_id)}
    ):
        before = found.get(table, (0, 0))
        found[table] = (before[0] + deleted, before[1] + changed)
    return found


def read_holds(connection: extensions.connection, most: int = 5_000) -> list[HoldLine]:
    """Read the holds and restrictions in force, those to review first."""
    rows = _rows(connection, "console/list_open_holds", {"most": most})
    return [HoldLine(row[0], UUID(str(row[1])), *row[2:]) for row in rows]


def read_health(connection: extensions.connection, site: Site, now: datetime) -> Health:
    """Ask every sign of life, the witness too where this machine can reach it."""
    witness: Witness | None = None
    named = site.loaded.policy.evidence.witness
    known = read_warehouse(connection)
    try:
        witness = open_witness(named.kind, named.location, known.warehouse_id)
    except LetheError:
        witness = None  # told as a problem if the warehouse names one
    try:
        return check_health(connection, site.loaded.policy, site.today(), witness=witness, now=now)
    finally:
        if witness is not None:
            witness.close()


def _open_set(row: tuple[Any, ...]) -> OpenSet:
    values = list(row)
    values[0] = UUID(str(row[0]))
    for place in (8, 17):
        values[place] = bytes(row[place])
    return OpenSet(*values)


def _rows(
    connection: extensions.connection, name: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(name), values)
        return cursor.fetchall()


def _told(error: psycopg2.Error) -> LetheError:
    if error.pgcode in (errorcodes.UNDEFINED_TABLE, errorcodes.INVALID_SCHEMA_NAME):
        return ConfigurationError("this warehouse does not know Lethe yet, or an older Lethe")
    if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
        return ConfigurationError("the reader may not read Lethe's schema; run `lethe init` again")
    if error.pgcode is None or error.pgcode.startswith(("08", "57P")):
        return WarehouseUnreachable("the warehouse went away while it was asked")
    return WarehouseRefused(
        f"the page could not be read: {describe_database_error(error)}", error.pgcode
    )
