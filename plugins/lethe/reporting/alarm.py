"""An alarm by mail, to those whom the policy names for alarms."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from lethe.connections import ConnectionSettings, find_connection
from lethe.policy.model import Policy

log = logging.getLogger(__name__)
_SECONDS = 30


def send_alarm(policy: Policy, subject: Mapping[str, str], text: Mapping[str, str]) -> int:
    """Mail an alarm, to each recipient in his language.

    subject, text  by language, 'en' at least
    Returns        how many were told; 0 without `mail` in the policy or without its connection
    """
    settings = find_connection(policy.mail.connection) if policy.mail else None
    if policy.mail is None or settings is None:
        log.warning("The alarm goes to nobody by mail: the policy or the connection is missing")
        return 0
    told = 0
    for recipient in policy.mail.recipients:
        if "alarm" not in recipient.reports:
            continue
        message = EmailMessage()
        message["From"], message["To"] = policy.mail.sender, recipient.email
        message["Subject"] = subject.get(recipient.language, subject["en"])
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="lethe.invalid")
        message.set_content(text.get(recipient.language, text["en"]) + "\n")
        try:
            _send(settings, message)
            told += 1
        except (OSError, smtplib.SMTPException) as error:
            # Its text may name an address.
            log.error("The mail server did not take an alarm: %s", type(error).__name__)
    return told


def _send(settings: ConnectionSettings, message: EmailMessage) -> None:
    """Send as Airflow's own SMTP hook reads such a connection."""
    is_plain = bool(settings.extra.get("disable_ssl"))
    kind = smtplib.SMTP if is_plain else smtplib.SMTP_SSL
    port = settings.port or (25 if is_plain else 465)
    with kind(settings.host or "localhost", port, timeout=_SECONDS) as server:
        if is_plain and not settings.extra.get("disable_tls"):
            server.starttls()
        if settings.login:
            server.login(settings.login, settings.password or "")
        server.send_message(message)
