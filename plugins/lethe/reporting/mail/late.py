"""The alarm of a late night, and its all-clear: a mail each, the second a reply to the first.

Both go through the outbox of the reports, so that nobody gets one twice.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from functools import partial
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg2

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import LetheError, WarehouseRefused, describe_database_error
from lethe.evidence.initialise import read_warehouse
from lethe.include import statement
from lethe.named_connections import ConnectionSettings, find_connection
from lethe.policy.model.places import Mail
from lethe.reporting.alarm import alarm_message, alarmed, is_rehearsal, send_alarm
from lethe.reporting.mail.outbox import Matter, claim_mail, deliver, recipient_of
from lethe.reporting.post import hand_over
from lethe.reporting.words import LANGUAGES, wording
from lethe.retention.late import Delay

log = logging.getLogger(__name__)
Said = Literal["late", "done"]
_Rows = Sequence[Sequence[Any]]


def tell_late(site: Site, delay: Delay) -> int:
    """Mail the alarm of a night, once to each who takes alarms.

    Returns  how many were told now; where the outbox cannot be written everybody is told all the
             same
    """
    zone = site.loaded.policy.policy.time_zone
    said = {
        language: _say(language, "late", delay.night, delay.done_by, zone, delay.name)
        for language in LANGUAGES
    }
    try:
        return _Night(site, delay.night).send(said, "late", _unless_sent)
    except LetheError as error:
        log.error("The outbox could not be written, so the alarm is sent without it: %s", error)
    subjects = {language: subject for language, (subject, _) in said.items()}
    texts = {language: text for language, (_, text) in said.items()}
    return send_alarm(site.loaded.policy, subjects, texts, rehearsal=is_rehearsal(site))


def tell_done(site: Site) -> int:
    """Mail the all-clear of every night that was told as late and is done since.

    Returns  how many were told now
    """
    policy = site.loaded.policy
    told = 0
    for night, (finished, heard) in _answered(site).items():
        local = finished.astimezone(ZoneInfo(policy.policy.time_zone))
        at = f"{local:%H:%M}"
        said = {
            language: _say(language, "done", night, at, policy.policy.time_zone, "", local.date())
            for language in LANGUAGES
        }
        told += _Night(site, night).send(said, "done", _if_alarmed, heard)
    return told


def _answered(site: Site) -> dict[date, tuple[datetime, set[str]]]:
    """Night → when it was done, and who heard that it was late and nothing since."""
    with site.connected("runner") as connection:
        try:
            acting_as(connection, "runner")
            with connection.cursor() as cursor:
                name = site.loaded.policy.policy.name
                cursor.execute(statement("reporting/list_late"), {"policy_name": name})
                rows = cursor.fetchall()
            connection.rollback()
        except psycopg2.Error as error:
            raise WarehouseRefused(
                f"late nights could not be read: {describe_database_error(error)}", error.pgcode
            ) from None
    found: dict[date, tuple[datetime, set[str]]] = {}
    for recipient, night, finished in rows:
        found.setdefault(night, (finished, set()))[1].add(recipient)
    return found


def _say(
    language: str, said: Said, night: date, at: str, zone: str, run: str, on: date | None = None
) -> tuple[str, str]:
    words = wording(language, "report")
    values = {
        "day": words.day(night),
        "at": at,
        "on": words.day(on or night),
        "zone": words.zone(zone),
        "run": run,
    }
    subject = words.say(f"alarm.night_{said}.subject", **values)
    text = words.say(f"alarm.night_{said}.text", **values)
    if said == "late":
        text += "\n\n" + words.say("alarm.night_late.engineer", **values)
    return subject, text


def _unless_sent(rows: _Rows) -> int | None:
    return None if rows and rows[0][2] == "sent" else 0


def _if_alarmed(rows: _Rows) -> int | None:
    alarms = [row for row in rows if row[1] == 0 and row[2] != "failed"]
    answers = [row for row in rows if row[1] == 1 and row[2] == "sent"]
    return 1 if alarms and not answers else None


@dataclass(frozen=True, slots=True)
class _Night:
    site: Site
    night: date

    def send(
        self,
        said: dict[str, tuple[str, str]],
        what: Said,
        decide: Callable[[_Rows], int | None],
        heard: set[str] | None = None,
    ) -> int:
        """Send to each who takes alarms (of `heard`, if given), and for whom `decide` says so."""
        policy = self.site.loaded.policy
        mail = policy.mail
        settings = find_connection(mail.connection) if mail else None
        if mail is None or settings is None:
            log.warning("Nobody is told by mail: the policy or the connection is missing")
            return 0
        content = hashlib.sha256(f"{what}/{self.night.isoformat()}".encode()).hexdigest()
        matter = Matter(policy.policy.name, "late", self.night, content)
        told = 0
        with self.site.connected("runner") as connection:
            acting_as(connection, "runner")
            warehouse = read_warehouse(connection)
            connection.rollback()
            for recipient in alarmed(policy):
                if heard is not None and recipient_of(matter.policy_name, recipient.email) not in (
                    heard
                ):
                    continue
                name = partial(
                    _message_id, mail, matter, str(warehouse.warehouse_id), recipient.email
                )
                slot = claim_mail(
                    connection, matter, recipient.email, recipient.language, name, decide
                )
                if slot is None:
                    continue
                message = alarm_message(
                    mail.sender,
                    recipient,
                    *said[recipient.language],
                    rehearsal=warehouse.rehearsal,
                    message_id=slot.message_id,
                    replies_to=slot.first_id,
                )
                outcome, error = deliver(connection, slot, partial(_send, settings, message))
                if error is not None:
                    log.error("A mail on a late night was not taken: %s", error)
                told += outcome in ("sent", "sent_again")
        return told


def _send(settings: ConnectionSettings, message: EmailMessage) -> int:
    hand_over(settings, message)
    return len(message.as_bytes())


def _message_id(mail: Mail, matter: Matter, warehouse: str, address: str, correction: int) -> str:
    """The same at every attempt, as for a report."""
    parts = (warehouse, matter.policy_name, matter.kind, matter.last.isoformat(), address)
    digest = hashlib.sha256("\n".join((*parts, str(correction))).encode()).hexdigest()[:32]
    domain = mail.sender.rpartition("@")[2].strip(" >") or "lethe.invalid"
    return f"<lethe.late.{matter.last:%Y%m%d}.{correction}.{digest}@{domain}>"
