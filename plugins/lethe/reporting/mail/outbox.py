"""The outbox: a mail is claimed and committed before it is handed over, and marked afterwards.

A crash between the two leaves it claimed: perhaps it was delivered. It is then sent again under
the same Message-ID, by which mail systems and people recognise the copy: at least once, and never
twice under two names. Two processes never send the same mail at the same time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import psycopg2
import rfc8785
from psycopg2 import extensions

from lethe.connections import acting_as
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.include import statement
from lethe.reporting.post import MailRefused
from lethe.reporting.summary import Summary

Outcome = Literal["sent", "sent_again", "already_sent", "being_sent", "failed"]


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one mail in the outbox.

    first_id  Message-ID of the first report on the period to this recipient, if this corrects it
    """

    message_id: str
    correction: int
    first_id: str | None
    state: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Matter:
    """What a mail is about: of one matter a recipient gets one mail, and its corrections.

    kind     'day', 'month', or 'late' for the alarm of a night
    content  digest of what it says, 64 hexadecimal digits
    """

    policy_name: str
    kind: str
    last: date
    content: str


def content_of(summary: Summary) -> str:
    """Digest of what matters in a report: one that says the same is no correction.

    Left out: when it was made, what people read meanwhile, newer heads and seals.
    """
    document: Any = {
        "verdict": summary.verdict,
        "needs": summary.needs,
        "armed": summary.is_armed,
        "clauses": [[each.clause, each.verdict] for each in summary.clauses],
        "rules": [
            [each.rule, each.erased, dict(each.kept), dict(each.refused), dict(each.set_aside)]
            for each in summary.rules
        ],
        "nights": [[each.as_of.isoformat(), each.state] for each in summary.nights],
        "silences": [each.duty for each in summary.silences],
        "alarms": [[each.code, each.count] for each in summary.alarms],
    }
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def recipient_of(policy_name: str, address: str) -> str:
    """The recipient as the outbox knows him."""
    return hashlib.sha256(f"{policy_name}\n{address}".encode()).hexdigest()


def claim(
    connection: extensions.connection,
    summary: Summary,
    address: str,
    language: str,
    name: Callable[[int], str],
    *,
    may_correct: bool,
) -> Slot | None:
    """Claim the mail of a report to a recipient, and commit; None if it was sent already.

    connection   of the runner, outside a transaction
    name         correction → Message-ID
    may_correct  a report that was sent and says something else now is corrected
    """
    matter = Matter(summary.edition.name, summary.period, summary.last, content_of(summary))

    def decide(rows: Sequence[Sequence[Any]]) -> int | None:
        last = rows[-1] if rows else None
        if last is None or last[2] != "sent":
            return int(last[1]) if last is not None else 0
        return None if last[3] == matter.content or not may_correct else len(rows)

    return claim_mail(connection, matter, address, language, name, decide)


def claim_mail(
    connection: extensions.connection,
    matter: Matter,
    address: str,
    language: str,
    name: Callable[[int], str],
    decide: Callable[[Sequence[Sequence[Any]]], int | None],
) -> Slot | None:
    """Claim a mail to a recipient, and commit.

    decide  rows that there are (message id, correction, state, content, attempts) → which
            correction comes now; None: nothing is to be sent
    """
    key = {
        "policy_name": matter.policy_name,
        "period": matter.kind,
        "last_on": matter.last,
        "recipient": recipient_of(matter.policy_name, address),
    }
    try:
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            # One at a time decides which correction comes next.
            cursor.execute(statement("reporting/lock_outbox"), key)
            cursor.execute(statement("reporting/list_mails"), key)
            rows = cursor.fetchall()
            number = decide(rows)
            if number is None:
                connection.rollback()
                return None
            again = next((row for row in rows if row[1] == number), None)
            slot = Slot(
                name(number),
                number,
                rows[0][0] if number else None,
                again[2] if again is not None else "new",
                again[4] if again is not None else 0,
            )
            cursor.execute(
                statement("reporting/claim_mail"),
                {
                    **key,
                    "message_id": slot.message_id,
                    "correction": number,
                    "language": language,
                    "content": matter.content,
                },
            )
        connection.commit()
    except psycopg2.Error as error:
        raise _refused(connection, error) from None
    return slot


def deliver(
    connection: extensions.connection, slot: Slot, send: Callable[[], int]
) -> tuple[Outcome, MailRefused | None]:
    """Send a claimed mail while its row is locked, and mark what became of it.

    send     hands the mail over and gives its size in bytes
    Returns  the outcome, and why it failed
    """
    refused: MailRefused | None = None
    size: int | None = None
    try:
        acting_as(connection, "runner")
        with connection.cursor() as cursor:
            cursor.execute(statement("reporting/lock_mail"), {"message_id": slot.message_id})
            row = cursor.fetchone()
            if row is None or row[0] == "sent":
                connection.rollback()
                return ("already_sent" if row else "being_sent"), None
            try:
                size = send()
            except MailRefused as error:
                refused = error
            cursor.execute(
                statement("reporting/mark_mail"),
                {
                    "message_id": slot.message_id,
                    "state": "failed" if refused else "sent",
                    "size": size,
                    "last_error": refused.what if refused else None,
                },
            )
        connection.commit()
    except psycopg2.Error as error:
        raise _refused(connection, error) from None
    if refused:
        return "failed", refused
    return ("sent_again" if slot.state == "claimed" else "sent"), None


def was_sent(connection: extensions.connection, policy: str, period: str, last: date) -> bool:
    """Say whether everybody who was claimed for a report has got it; False if nobody was."""
    acting_as(connection, "reader")
    with connection.cursor() as cursor:
        cursor.execute(
            statement("reporting/count_mails"),
            {"policy_name": policy, "period": period, "last_on": last},
        )
        sent, open_ = cursor.fetchone() or (0, 0)
    connection.rollback()
    return bool(sent) and not open_


def _refused(connection: extensions.connection, error: psycopg2.Error) -> WarehouseRefused:
    if not connection.closed:
        connection.rollback()
    return WarehouseRefused(
        f"the outbox could not be written: {describe_database_error(error)}", error.pgcode
    )
