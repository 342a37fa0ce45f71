"""A night that is not done by its hour: an alarm on the ledger, once a night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import psycopg2

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.evidence.acting import open_witness_of
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.include import statement
from lethe.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Delay:
    """A night that is past its hour.

    name     of the DAG run
    done_by  local time by which the policy wants it done
    due_at   the instant
    """

    name: str
    started_at: datetime
    done_by: str
    due_at: datetime

    @property
    def night(self) -> date:
        """The day of the night, in the zone of `started_at`."""
        return self.started_at.date()


def hour_of(policy: Policy, started: datetime) -> datetime | None:
    """Say by when a night should be done; None if it began after that hour.

    started  aware; the hour is that of `guards.done_by` in the policy's time zone
    """
    begun = started.astimezone(ZoneInfo(policy.policy.time_zone))
    hour = time.fromisoformat(policy.guards.done_by)
    due = datetime.combine(begun.date(), hour, begun.tzinfo)
    # A night begun after the hour, by hand or after an outage, is late on no account of its own.
    return due if begun < due else None


def find_delay(policy: Policy, name: str, started: datetime, now: datetime) -> Delay | None:
    """Say that a night which is still under way is late; None before its hour.

    started, now  aware
    """
    due = hour_of(policy, started)
    if due is None or now < due:
        return None
    return Delay(name, started.astimezone(due.tzinfo), policy.guards.done_by, due)


def note_delay(site: Site, delay: Delay) -> bool:
    """Put the alarm on the ledger; False if the night is done, its alarm has rung, or Lethe was set
    up on the warehouse after its hour.

    Raises  WarehouseRefused, WarehouseUnreachable: then nobody can tell, and the alarm rings
    """
    with site.connected("runner") as connection:
        try:
            witness = open_witness_of(site, connection)
            acting_as(connection, "runner")
            with connection.cursor() as cursor:
                cursor.execute(statement("retention/lock_alarms"))
                cursor.execute(
                    statement("retention/find_delay"),
                    {"name": delay.name, "due_at": delay.due_at},
                )
                is_done, has_rung = cursor.fetchone() or (False, False)
            if is_done or has_rung:
                return False
            evidence = EvidenceBatch(connection, None, witness)
            payload = {"name": delay.name, "done_by": delay.done_by}
            evidence.add_rows([LedgerRow("sweep_late", payload)])
            evidence.commit()
        except psycopg2.Error as error:
            raise WarehouseRefused(
                f"the alarm was not noted: {describe_database_error(error)}", error.pgcode
            ) from None
    return True
