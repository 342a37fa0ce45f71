"""Send a report to everybody whom the policy names for it; each once, and each failure told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from psycopg2 import extensions

from lethe.catalogue.site import Site
from lethe.errors import ActError
from lethe.named_connections import ConnectionSettings, require_connection
from lethe.policy.model.places import Mail, Recipient
from lethe.reporting.alarm import send_alarm
from lethe.reporting.files import Report, attachments
from lethe.reporting.headline import headline
from lethe.reporting.mail.message import Envelope, build_message, message_id
from lethe.reporting.mail.outbox import Outcome, Slot, claim, deliver
from lethe.reporting.post import MailRefused, hand_over
from lethe.reporting.words import wording

log = logging.getLogger(__name__)
PAUSES_S = (2.0, 10.0)
"""Between the attempts of one run; Airflow tries the whole task again after that."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the mails of a report: outcome → how many."""

    outcomes: dict[str, int]
    corrections: int

    @property
    def is_done(self) -> bool:
        """Everybody has it."""
        return not self.outcomes.get("failed")


def send_report(
    site: Site,
    report: Report,
    *,
    base_url: str | None = None,
    may_correct: bool = True,
    pause: Callable[[float], None] = time.sleep,
) -> Sent:
    """Send a report to each recipient in his language; whoever has it already gets nothing.

    Raises  ConfigurationError if the mail connection is missing, ActError if somebody has not got
            it: the others have, and calling again sends only what is missing
    """
    mail = site.loaded.policy.mail
    outcomes: dict[str, int] = {}
    corrections = 0
    if mail is None:
        log.warning("The policy names nobody to send a report to (section mail)")
        return Sent({}, 0)
    settings = require_connection(mail.connection)
    failures: list[MailRefused] = []
    with site.connected("runner") as connection:
        for recipient in mail.recipients:
            if report.summary.period not in recipient.reports:
                continue
            office = _Office(connection, mail, settings, recipient, report, base_url, pause)
            outcome, slot, error = office.send(may_correct)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            corrections += bool(slot and slot.correction)
            failures += [error] if error else []
    if failures:
        _ring(site, report, failures)
        raise ActError(
            f"{len(failures)} mails of the report were not taken ({failures[0].what}); "
            "the others are sent. Put the mail server or the connection "
            f"'{mail.connection}' right, then clear this task: nobody gets a mail twice"
        )
    return Sent(outcomes, corrections)


@dataclass(frozen=True, slots=True)
class _Office:
    connection: extensions.connection
    mail: Mail
    settings: ConnectionSettings
    recipient: Recipient
    report: Report
    base_url: str | None
    pause: Callable[[float], None]

    def send(self, may_correct: bool) -> tuple[Outcome, Slot | None, MailRefused | None]:
        """Try until it is taken, or trying again makes no sense."""
        for wait in (*PAUSES_S, None):
            slot = claim(
                self.connection,
                self.report.summary,
                self.recipient.email,
                self.recipient.language,
                self._name,
                may_correct=may_correct,
            )
            if slot is None:
                return "already_sent", None, None
            outcome, error = deliver(self.connection, slot, partial(self._hand_over, slot))
            if error is None:
                return outcome, slot, None
            log.warning("A mail was not taken, attempt %s: %s", slot.attempts + 1, error)
            if wait is None or not error.may_pass:
                return "failed", slot, error
            self.pause(wait)
        raise AssertionError("unreachable")

    def _name(self, correction: int) -> str:
        summary = self.report.summary
        warehouse = summary.warehouse_id or ""
        return message_id(self.mail, self.recipient.email, warehouse, summary, correction)

    def _hand_over(self, slot: Slot) -> int:
        envelope = Envelope(
            self.mail,
            self.recipient,
            slot.message_id,
            slot.correction,
            slot.first_id,
            datetime.now(UTC),
        )
        message = build_message(
            self.report.summary,
            envelope,
            attachments(self.report, self.recipient.language),
            base_url=self.base_url,
            lines=self.report.lines,
        )
        if slot.state == "claimed":
            # An earlier attempt ended between handing over and marking.
            message["X-Lethe-Sent-Again"] = "perhaps delivered before, under the same Message-ID"
        hand_over(self.settings, message)
        return len(message.as_bytes())


def _ring(site: Site, report: Report, failures: list[MailRefused]) -> None:
    """Tell those whom the mail server does take mail for."""
    subject, text = {}, {}
    for language in ("en", "fr"):
        words = wording(language, "report")
        verdict = headline(report.summary, language)
        subject[language] = words.say("alarm.unsent.subject", verdict=verdict)
        text[language] = words.count(
            "alarm.unsent.text", len(failures), why=failures[0].what, verdict=verdict
        )
    rehearsal = report.summary.is_rehearsal
    told = send_alarm(site.loaded.policy, subject, text, rehearsal=rehearsal)
    log.error("%s mails of the report were not taken; people alarmed: %s", len(failures), told)
