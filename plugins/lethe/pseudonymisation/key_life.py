"""The life of the keys of logs: one a month, made when met, destroyed when its window ends."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID

import psycopg2
from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import (
    ConfigurationError,
    GuardStop,
    UsageError,
    WarehouseRefused,
    describe_database_error,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.initialise import read_warehouse
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.seal import seal_ledger
from lethe.evidence.settle import require_in_step
from lethe.evidence.witness import Witness
from lethe.evidence.witness_opening import begin_witness
from lethe.keys import KeyDestroyed, KeyRecord, KeyRing, derive, month_of
from lethe.policy.model import Policy
from lethe.policy.model.logs import Logs
from lethe.policy.periods import Period, end_of
from lethe.pseudonymisation.outcome import KEY_DESTROYED

PURPOSE: Final = "log"
QUARANTINE: Final = "log_quarantine"
IMPLAUSIBLE: Final = "implausible-time"
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\Z")
# Nothing that a web server wrote is older; dates before it are clocks that were not set.
_OLDEST: Final = "1995-01"


class ReportOnly(GuardStop):
    """The warehouse is not armed yet: nothing is destroyed, which is no failure of a night."""


@dataclass(frozen=True, slots=True)
class DueKey:
    """A key whose window has ended, and when its end will be final."""

    record: KeyRecord
    window_ended: date
    final_at: date


@dataclass(frozen=True, slots=True)
class LogRoom:
    """What every duty of this wing works with: one warehouse, its witness, its keys, one day.

    connection   of the runner; between calls nothing is open on it
    run_id       the run that ledger rows belong to, if there is one
    """

    site: Site
    as_of: date
    connection: extensions.connection
    witness: Witness
    ring: KeyRing
    run_id: UUID | None = None

    @property
    def logs(self) -> Logs:
        """The policy's section on logs.

        Raises  ConfigurationError where the policy has none
        """
        logs = self.site.loaded.policy.logs
        if logs is None:
            raise ConfigurationError("the policy says nothing about logs; add the section 'logs'")
        return logs

    def record(self, *rows: LedgerRow) -> None:
        """Put rows on the ledger, in a transaction of their own."""
        acting_as(self.connection, "runner")
        self.add(*rows)

    def add(self, *rows: LedgerRow) -> None:
        """Put rows on the ledger, with whatever else the transaction did, and commit both."""
        batch = EvidenceBatch(self.connection, self.run_id, self.witness)
        batch.add_rows(rows)
        batch.commit()

    def require_destruction_allowed(self) -> None:
        """Stop where nothing may be destroyed: not armed, restored from a backup, in the future.

        Raises  GuardStop with the way out, ReportOnly where it is not armed
        """
        require_in_step(self.connection, self.witness)
        acting_as(self.connection, "runner")
        warehouse = read_warehouse(self.connection)
        self.connection.rollback()
        if not warehouse.armed:
            raise ReportOnly(
                "report-only: the approver has not armed this warehouse (`lethe init --arm`)"
            )
        if self.as_of > self.site.today() and not warehouse.rehearsal:
            raise GuardStop(
                f"as-of {self.as_of} lies in the future: nothing is destroyed for a day that has"
                " not come, except on a warehouse made with `lethe init --rehearsal`"
            )


@contextmanager
def log_room(site: Site, as_of: date, run_id: UUID | None = None) -> Iterator[LogRoom]:
    """Open the warehouse, its witness and the key ring; seal what was put on the ledger.

    Raises  ConfigurationError where the key-encryption key is missing or another one, before
            anything is read
    """
    named = site.loaded.policy.evidence.witness
    with site.connected("runner") as connection:
        try:
            witness = begin_witness(connection, named.kind, named.location)
        except psycopg2.Error as error:
            raise WarehouseRefused(describe_database_error(error), error.pgcode) from None
        try:
            acting_as(connection, "runner")
            ring = KeyRing.open(connection, witness=witness)
            connection.commit()
            yield LogRoom(site, as_of, connection, witness, ring, run_id)
            acting_as(connection, "runner")
            seal_ledger(connection, witness)
            connection.commit()
        except psycopg2.Error as error:
            connection.rollback()
            raise WarehouseRefused(describe_database_error(error), error.pgcode) from None
        finally:
            witness.close()


class LogKeys:
    """The keys of logs; each is committed before anything is made with it."""

    def __init__(self, room: LogRoom) -> None:
        self._room = room

    def secret(self, period: str) -> bytes | str:
        """Give the secret of a month, made if there is none yet; or why its lines go aside."""
        # Of a year with another number of digits letters say nothing.
        latest = month_of(_first_of_next_month(self._room.as_of))
        if len(period) != len(_OLDEST) or not _OLDEST <= period <= latest:
            return IMPLAUSIBLE
        try:
            return self._made(PURPOSE, period, self.window_end(period))
        except KeyDestroyed:
            self._room.connection.rollback()
            return KEY_DESTROYED

    def quarantine_key(self, month: str | None = None) -> bytes:
        """Give the key that seals what is set aside in a month, by default in this one."""
        month = month or month_of(self._room.as_of)
        ends = end_of(_last_day(month), self._quarantine_life())
        return derive(self._made(QUARANTINE, month, ends), "quarantine")

    def _made(self, purpose: str, period: str, ends: date) -> bytes:
        acting_as(self._room.connection, "runner")
        self._room.ring.create(purpose, period, ends)
        secret = self._room.ring.secret(purpose, period)
        self._room.connection.commit()
        return secret

    def window_end(self, period: str) -> date:
        """Give the last day on which the key of a month may be needed."""
        return end_of(_last_day(period), self._room.logs.key_window)

    def _quarantine_life(self) -> Period:
        return _quarantine_life(self._room.logs, self._room.as_of)

    def every(self) -> list[KeyRecord]:
        """List the keys of logs, by purpose and month."""
        acting_as(self._room.connection, "runner")
        found = [key for key in self._room.ring.list() if key.purpose in (PURPOSE, QUARANTINE)]
        self._room.connection.rollback()
        return found

    def rotate(self) -> KeyRecord:
        """Make the key of this month, if it is not there."""
        period = month_of(self._room.as_of)
        self._made(PURPOSE, period, self.window_end(period))
        return next(k for k in self.every() if (k.purpose, k.period) == (PURPOSE, period))

    def due(self) -> list[DueKey]:
        """Name the keys whose window ended before today."""
        return due_keys(self.every(), self._room.site.loaded.policy, self._room.as_of)

    def refuse(self, period: str) -> None:
        """Say why the keys of a month cannot be destroyed.

        Raises  UsageError where there is none; GuardStop before its time
        """
        _last_day(period)
        keys = [key for key in self.every() if key.period == period and key.purpose == PURPOSE]
        if not keys:
            raise UsageError(f"there is no key of logs for {period}; see `lethe keys list`")
        if keys[0].destroyed_at is not None:
            raise UsageError(
                f"the key of {period} was destroyed on {keys[0].destroyed_at:%Y-%m-%d}"
            )
        raise GuardStop(
            f"the key of {period} serves until {self.window_end(period)}: the policy's window is"
            f" {self._room.logs.key_window}, and without the key nobody could follow up a fraud"
        )


def due_keys(keys: Iterable[KeyRecord], policy: Policy, as_of: date) -> list[DueKey]:
    """Name those of some keys of logs whose window ended before a day; pure."""
    if policy.logs is None:
        return []
    final_at = end_of(as_of, policy.evidence.backups)
    lives = {PURPOSE: policy.logs.key_window, QUARANTINE: _quarantine_life(policy.logs, as_of)}
    found = []
    for key in keys:
        if key.purpose not in lives or key.destroyed_at is not None:
            continue
        ended = end_of(_last_day(key.period), lives[key.purpose])
        if ended < as_of:
            found.append(DueKey(key, ended, final_at))
    return found


def months_without_key(keys: Iterable[KeyRecord]) -> list[str]:
    """Name the months between the first and the last key of logs that have none; pure."""
    there = sorted({key.period for key in keys if key.purpose == PURPOSE})
    missing: list[str] = []
    for before, after in pairwise(there):
        month = month_of(_last_day(before) + timedelta(days=1))
        while month < after:
            missing.append(month)
            month = month_of(_last_day(month) + timedelta(days=1))
    return missing


def _quarantine_life(logs: Logs, as_of: date) -> Period:
    lives = [source.quarantine for source in logs.sources.values()]
    return max(lives, key=lambda life: end_of(as_of, life), default=_THIRTY_DAYS)


_THIRTY_DAYS: Final = Period.parse("P30D")


def _last_day(period: str) -> date:
    match = _MONTH.match(period)
    if match is None:
        raise UsageError(f"'{period}' is no month; write YYYY-MM")
    year, month = int(match[1]), int(match[2])
    return date(year, month, calendar.monthrange(year, month)[1])


def _first_of_next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
