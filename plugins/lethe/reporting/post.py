"""Hand a message to the mail server that the Airflow connection names."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from lethe.errors import ActError
from lethe.named_connections import ConnectionSettings

_SECONDS = 30.0


class MailRefused(ActError):
    """The mail server did not take a message; the text never quotes the server's answer."""

    def __init__(self, what: str, *, may_pass: bool) -> None:
        self.may_pass = may_pass
        super().__init__(f"the mail server did not take a message ({what})")
        self.what = what


def hand_over(settings: ConnectionSettings, message: EmailMessage) -> None:
    """Send one message; every recipient took it when this returns.

    settings  as Airflow's own SMTP hook reads such a connection: TLS from the first byte unless
              `disable_ssl`, then STARTTLS unless `disable_tls`; `timeout` in seconds
    Raises    MailRefused: `may_pass` if trying again can help
    """
    try:
        with _connected(settings) as server:
            refused = server.send_message(message)
    except smtplib.SMTPResponseException as error:
        raise MailRefused(
            f"{type(error).__name__} {error.smtp_code}", may_pass=_may_pass(error)
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise MailRefused(
            f"{type(error).__name__} {', '.join(map(str, codes))}",
            may_pass=all(code < 500 for code in codes),
        ) from None
    except ssl.SSLError as error:
        raise MailRefused(f"TLS: {error.reason or type(error).__name__}", may_pass=False) from None
    except smtplib.SMTPNotSupportedError:
        raise MailRefused("it offers no STARTTLS or no sign-in", may_pass=False) from None
    except (OSError, smtplib.SMTPException) as error:
        raise MailRefused(type(error).__name__, may_pass=True) from None
    if refused:
        raise MailRefused("some recipients were refused", may_pass=False)


@contextmanager
def _connected(settings: ConnectionSettings) -> Iterator[smtplib.SMTP]:
    extra = settings.extra
    is_plain = _is_set(extra.get("disable_ssl"))
    host = settings.host or "localhost"
    seconds = float(extra.get("timeout") or _SECONDS)
    server: smtplib.SMTP
    if is_plain:
        server = smtplib.SMTP(host, settings.port or 25, timeout=seconds)
    else:
        context = ssl.create_default_context()
        server = smtplib.SMTP_SSL(host, settings.port or 465, timeout=seconds, context=context)
    with server:
        if is_plain and not _is_set(extra.get("disable_tls")):
            server.starttls(context=ssl.create_default_context())
        if settings.login:
            server.login(settings.login, settings.password or "")
        yield server


def _may_pass(error: smtplib.SMTPResponseException) -> bool:
    return not isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code < 500


def _is_set(value: object) -> bool:
    return str(value).strip().lower() in ("true", "1", "yes", "on")
