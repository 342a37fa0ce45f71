"""An alarm by mail, to those whom the policy names for alarms."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from lethe.connections import find_connection
from lethe.policy.model import Policy
from lethe.reporting.post import MailRefused, hand_over

log = logging.getLogger(__name__)


def send_alarm(
    policy: Policy,
    subject: Mapping[str, str],
    text: Mapping[str, str],
    *,
    kind: Literal["alarm", "failure"] = "alarm",
) -> int:
    """Mail an alarm, to each recipient in his language.

    subject, text  by language, 'en' at least
    kind           a failure goes to engineers; where the policy names none, to those with alarms
    Returns        how many were told; 0 without `mail` in the policy or without its connection
    """
    settings = find_connection(policy.mail.connection) if policy.mail else None
    if policy.mail is None or settings is None:
        log.warning("The alarm goes to nobody by mail: the policy or the connection is missing")
        return 0
    told = 0
    named = [each for each in policy.mail.recipients if kind in each.reports]
    for recipient in named or [each for each in policy.mail.recipients if "alarm" in each.reports]:
        message = EmailMessage()
        message["From"], message["To"] = policy.mail.sender, recipient.email
        message["Subject"] = subject.get(recipient.language, subject["en"])
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="lethe.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text.get(recipient.language, text["en"]) + "\n")
        try:
            hand_over(settings, message)
            told += 1
        except MailRefused as error:
            log.error("The alarm was not sent: %s", error)
    return told
