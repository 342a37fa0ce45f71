"""An alarm by mail, to those whom the policy names for alarms."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from lethe.catalogue.site import Site
from lethe.connections import acting_as
from lethe.errors import LetheError
from lethe.evidence.initialise import read_warehouse
from lethe.named_connections import find_connection
from lethe.policy.model import Policy
from lethe.policy.model.places import Recipient
from lethe.reporting.post import MailRefused, hand_over
from lethe.reporting.words import wording

log = logging.getLogger(__name__)
Kind = Literal["alarm", "failure"]


def send_alarm(
    policy: Policy,
    subject: Mapping[str, str],
    text: Mapping[str, str],
    *,
    kind: Kind = "alarm",
    rehearsal: bool = False,
) -> int:
    """Mail an alarm, to each recipient in his language.

    subject, text  by language, 'en' at least
    kind           a failure goes to engineers; where the policy names none, to those with alarms
    rehearsal      the subject and the text say that it is about a rehearsal
    Returns        how many were told; 0 without `mail` in the policy or without its connection
    """
    settings = find_connection(policy.mail.connection) if policy.mail else None
    if policy.mail is None or settings is None:
        log.warning("The alarm goes to nobody by mail: the policy or the connection is missing")
        return 0
    told = 0
    for recipient in alarmed(policy, kind):
        message = alarm_message(
            policy.mail.sender,
            recipient,
            subject.get(recipient.language, subject["en"]),
            text.get(recipient.language, text["en"]),
            rehearsal=rehearsal,
        )
        try:
            hand_over(settings, message)
            told += 1
        except MailRefused as error:
            log.error("The alarm was not sent: %s", error)
    return told


def alarmed(policy: Policy, kind: Kind = "alarm") -> Sequence[Recipient]:
    """Who hears of an alarm."""
    recipients = policy.mail.recipients if policy.mail else ()
    named = [each for each in recipients if kind in each.reports]
    return named or [each for each in recipients if "alarm" in each.reports]


def alarm_message(
    sender: str,
    recipient: Recipient,
    subject: str,
    text: str,
    *,
    rehearsal: bool,
    message_id: str | None = None,
    replies_to: str | None = None,
) -> EmailMessage:
    """One alarm as a mail; on a rehearsal it says so first."""
    words = wording(recipient.language, "report")
    message = EmailMessage()
    message["From"], message["To"] = sender, recipient.email
    if rehearsal:
        subject = words.say("mail.subject.rehearsal", subject=subject)
        text = f"{words.say('alarm.rehearsal')}\n\n{text}"
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = message_id or make_msgid(domain="lethe.invalid")
    if replies_to:
        message["In-Reply-To"] = message["References"] = replies_to
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text + "\n")
    message["Content-Language"] = words.language
    return message


def is_rehearsal(site: Site) -> bool:
    """Whether the warehouse is one to rehearse on; False where nobody can tell."""
    try:
        with site.connected("reader") as connection:
            acting_as(connection, "reader")
            return read_warehouse(connection).rehearsal
    except LetheError as error:
        log.warning("Whether this is a rehearsal cannot be told: %s", type(error).__name__)
        return False
