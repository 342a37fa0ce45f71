"""Writes the rows of one hand-made account at a time; ids follow the same counters."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from demo.warehouse.chunk import Counters
from demo.warehouse.rooms.billing import CREDITOR

Value = str | int | bool | date | datetime | None
LUXEMBOURG = ZoneInfo("Europe/Luxembourg")


def noon(day: date) -> datetime:
    """Midday in UTC: the same calendar day in Luxembourg."""
    return datetime.combine(day, time(12), UTC)


def local(day: date, at: time, zone: ZoneInfo = LUXEMBOURG) -> datetime:
    """An instant given on the wall clock of a zone."""
    return datetime.combine(day, at, zone)


def years_before(day: date, years: int) -> date:
    """The same day in an earlier year; 28 February for a 29th that it lacks."""
    last = day.replace(year=day.year - years, day=1) + timedelta(days=31)
    month_end = last.replace(day=1) - timedelta(days=1)
    return date(day.year - years, day.month, min(day.day, month_end.day))


def last_day_of_two_years(start: date) -> date:
    """The last day on which data whose period starts on `start` still stay."""
    return years_before(start, -2)


@dataclass(slots=True)
class Book:
    """Rows by table, and the dates that all cases speak of."""

    as_of: date
    counters: Counters
    rows: dict[str, list[dict[str, Value]]] = field(default_factory=dict)
    contacts: dict[int, int] = field(default_factory=dict)
    users: dict[int, int] = field(default_factory=dict)
    emails: dict[int, str | None] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def ago(self, *, days: int = 0, years: int = 0) -> date:
        """A day before the as-of day."""
        return years_before(self.as_of, years) - timedelta(days=days)

    @property
    def last_stay(self) -> date:
        """The earliest end whose two years are not over: the data stay today."""
        day = self.ago(years=2) - timedelta(days=3)
        while last_day_of_two_years(day) < self.as_of:
            day += timedelta(days=1)
        return day

    def due_for(self, days: int) -> date:
        """The latest end that has been due for `days` days (1: today is the first)."""
        day = self.ago(years=2) + timedelta(days=3)
        while last_day_of_two_years(day) > self.as_of - timedelta(days=days):
            day -= timedelta(days=1)
        return day

    def add(self, table: str, **row: Value) -> None:
        """One row of a table; columns that are not named take their default."""
        self.rows.setdefault(table, []).append(row)

    def key(self, table: str) -> int:
        """The next key of a table."""
        return int(self.counters.take(table, 1)[0])

    def account(self, number: int, **other: Value) -> None:
        """An account with its contact, address and user."""
        opened = other.get("opened_at") or noon(self.ago(years=12, days=30))
        name = str(other.pop("holder_name", f"Case Number{number}"))
        email = other.pop("email", f"case{number}@cases.example")
        contact, user = self.key("crm.contact"), self.key("crm.app_user")
        self.contacts[number], self.users[number] = contact, user
        self.emails[number], self.names[number] = (str(email) if email else None), name
        row: dict[str, Value] = {
            "account_id": number,
            "account_number": f"MS-{number:08d}",
            "holder_name": name,
            "email": email,
            "language": "fr",
            "country_code": "LU",
            "time_zone": "Europe/Luxembourg",
            "state": "open",
            "opened_at": opened,
            "primary_contact_id": contact,
            "settings": '{"theme": "light"}',
            "updated_at": opened,
        }
        self.add("crm.account", **(row | other))
        self.add(
            "crm.contact",
            contact_id=contact,
            main_account_id=number,
            full_name=name,
            email=email,
            created_at=opened,
            updated_at=opened,
        )
        self.add("crm.account_contact", account_id=number, contact_id=contact, role="main")
        self.address(number)
        self.add(
            "crm.app_user",
            user_id=user,
            account_id=number,
            contact_id=contact,
            login=email or f"user{number}",
            password_hash="$argon2id$v=19$case",  # noqa: S106
            created_at=opened,
        )

    def address(self, number: int, **other: Value) -> None:
        """An address of an account."""
        row: dict[str, Value] = {
            "address_id": self.key("crm.address"),
            "account_id": number,
            "kind": "billing",
            "street": f"{number} rue des Exemples",
            "postcode": "9000",
            "city": "Ettelbruck",
            "country_code": "LU",
            "valid_from": self.ago(years=12),
        }
        self.add("crm.address", **(row | other))

    def service(
        self,
        number: int,
        end: date | datetime | str | None,
        *,
        start: date | None = None,
        trial: bool = False,
        **other: Value,
    ) -> None:
        """A service; `end` as a day means noon of that day, None means running."""
        ended: Value = noon(end) if isinstance(end, date) and not isinstance(end, datetime) else end
        row: dict[str, Value] = {
            "service_id": self.key("commerce.service"),
            "account_id": number,
            "product_code": "erp",
            "plan_code": "start",
            "hostname": f"case{number}.erp.example",
            "state": "running" if end is None else "ended",
            "is_trial": trial,
            "started_at": noon(start or self.ago(years=12)),
            "ended_at": ended,
        }
        self.add("commerce.service", **(row | other))

    def invoice(
        self, number: int, issued: date | None, *, paid: bool = True, **other: Value
    ) -> int:
        """An invoice with its line and, when paid, its payment; None makes a draft."""
        invoice = self.key("billing.invoice")
        row: dict[str, Value] = {
            "invoice_id": invoice,
            "account_id": number,
            "currency": "EUR",
            "net_cents": 1_900,
            "invoice_number": f"INV-{issued.year}-{invoice:08d}" if issued else None,
            "state": "issued" if issued else "draft",
            "issued_on": issued,
            "due_on": issued + timedelta(days=30) if issued else None,
            "paid_on": issued if paid else None,
            "vat_cents": 323,
            "bill_to_name": self.names[number],
            "bill_to_email": self.emails[number],
            "bill_to_street": f"{number} rue des Exemples",
            "bill_to_city": "Ettelbruck",
            "bill_to_postcode": "9000",
            "bill_to_country": "LU",
        }
        self.add("billing.invoice", **(row | other))
        self.add(
            "billing.invoice_line",
            invoice_id=invoice,
            line_no=1,
            description="Subscription",
            quantity=1,
            net_cents=1_900,
        )
        if issued and paid:
            self.add(
                "billing.payment",
                payment_id=self.key("billing.payment"),
                invoice_id=invoice,
                account_id=number,
                kind="card",
                paid_at=noon(issued),
                amount_cents=2_223,
                card_last_four="4242",
                payer_name=self.names[number],
            )
        return invoice

    def mandate(self, number: int, signed: date) -> None:
        """A SEPA mandate: reference, date, creditor and last four, nothing else."""
        self.add(
            "billing.sepa_mandate",
            account_id=number,
            mandate_no=1,
            reference="psn:caseofamandatebcdf",
            signed_on=signed,
            creditor=CREDITOR,
            last_four="0042",
        )
        self.add(
            "billing.payment_method",
            method_id=self.key("billing.payment_method"),
            account_id=number,
            kind="sepa",
            mandate_no=1,
            added_at=noon(signed),
        )

    def ticket(self, number: int, opened: date, *, closed: date | None) -> None:
        """A ticket with one message."""
        ticket = self.key("support.ticket")
        self.add(
            "support.ticket",
            ticket_id=ticket,
            account_id=number,
            assigned_to=1,
            contact_id=self.contacts[number],
            requester_email=self.emails[number],
            subject="Question",
            state="closed" if closed else "open",
            opened_at=noon(opened),
            closed_at=noon(closed) if closed else None,
            updated_at=noon(opened),
        )
        self.add(
            "support.ticket_message",
            message_id=self.key("support.ticket_message"),
            ticket_id=ticket,
            body="Please help.",
            sent_at=noon(opened),
        )

    def texts(self) -> Iterator[tuple[str, list[str], bytes]]:
        r"""Per table and set of columns: CSV for COPY, `\N` for NULL."""
        for table, rows in self.rows.items():
            shapes: dict[tuple[str, ...], list[dict[str, Value]]] = {}
            for row in rows:
                shapes.setdefault(tuple(row), []).append(row)
            for columns, group in shapes.items():
                text = io.StringIO()
                writer = csv.writer(text, lineterminator="\n")
                writer.writerows([_written(row[name]) for name in columns] for row in group)
                yield table, list(columns), text.getvalue().encode()


def _written(value: Value) -> str:
    if value is None:
        return r"\N"
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
