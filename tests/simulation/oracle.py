"""The oracle: a world of its own in plain Python, and the law of who must be gone tonight.

Written from the words of the policy, not from the product's code; it shares nothing with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.simulation.days import day_in_luxembourg, last_day

Row = tuple[object, ...]
TWO_YEARS = 24
MINIMA = {"DE": 36, "FR": 30}
ONE_YEAR = 12
ONE_MONTH = 1
SENTINELS = (date(1970, 1, 1), date(1900, 1, 1), date(9999, 12, 31))


@dataclass
class Customer:
    """An account; `skeleton_on` is the night on which only its key was left."""

    email: str | None
    country: str | None
    opened: date
    closed: date | None = None
    in_court: bool = False
    restricted: bool = False
    listed: set[str] = field(default_factory=set)
    skeleton_on: date | None = None


@dataclass
class Service:
    """A service: open, ended or a draft."""

    customer: int
    state: str
    ends: datetime | None


@dataclass
class Reader:
    """Somebody who reads the newsletter, without an account."""

    left: datetime | None = None
    objected: date | None = None


@dataclass
class World:
    """Everything that the warehouse should hold."""

    customers: dict[int, Customer] = field(default_factory=dict)
    services: dict[int, Service] = field(default_factory=dict)
    notes: dict[int, tuple[int, datetime]] = field(default_factory=dict)
    invoices: dict[int, tuple[int, str | None]] = field(default_factory=dict)
    contacts: set[int] = field(default_factory=set)
    ties: set[tuple[int, int]] = field(default_factory=set)
    messages: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)
    tickets: dict[int, tuple[int, datetime | None]] = field(default_factory=dict)
    readers: dict[str, Reader] = field(default_factory=dict)

    def rows(self) -> dict[str, list[Row]]:
        """Every row that must be there tomorrow morning, table by table."""
        return {
            "crm.customer": sorted(
                (key, each.email, each.country, each.opened, each.closed)
                for key, each in self.customers.items()
            ),
            "crm.service": sorted((key, each.customer) for key, each in self.services.items()),
            "crm.note": sorted((key, each[0]) for key, each in self.notes.items()),
            "billing.invoice": sorted((key, *each) for key, each in self.invoices.items()),
            "crm.contact": sorted((key,) for key in self.contacts),
            "crm.customer_contact": sorted(self.ties),
            "crm.message": sorted((key, *each) for key, each in self.messages.items()),
            "desk.ticket": sorted((key, each[0]) for key, each in self.tickets.items()),
            "marketing.reader": sorted((key,) for key in self.readers),
        }

    def pass_night(self, today: date) -> int:
        """Let everything go that must be gone in the morning; say how many subjects went."""
        tickets = [key for key in self.customers if self._tickets_end(key, today)]
        for key in tickets:
            self.tickets = {n: each for n, each in self.tickets.items() if each[0] != key}
        accounts = [key for key in self.customers if self._account_ends(key, today)]
        self._erase_accounts(accounts, today)
        readers = [key for key, each in self.readers.items() if _reader_ends(each, today)]
        for email in readers:
            del self.readers[email]
        return len(tickets) + len(accounts) + len(readers)

    def _is_stopped(self, key: int) -> bool:
        customer = self.customers[key]
        return customer.in_court or customer.restricted or bool(customer.listed)

    def _tickets_end(self, key: int, today: date) -> bool:
        """A year after the last ticket was closed; an open one keeps all of them."""
        closed = [each[1] for each in self.tickets.values() if each[0] == key]
        days = [day_in_luxembourg(at) for at in closed if at is not None]
        if not days or len(days) < len(closed) or self._is_stopped(key):
            return False
        return last_day(max(days), ONE_YEAR) < today

    def _account_ends(self, key: int, today: date) -> bool:
        """Two years after the last service or the closing; longer where a country's law says so."""
        customer = self.customers[key]
        services = [
            each
            for each in self.services.values()
            if each.customer == key and each.state != "draft"
        ]
        if any(each.state == "open" for each in services) or self._is_stopped(key):
            return False
        if any(each.ends is None for each in services):
            return False
        days = [day_in_luxembourg(each.ends) for each in services if each.ends is not None]
        days += [customer.closed] if customer.closed is not None else []
        if not days or any(_is_incredible(day) for day in days):
            return False
        start = max(days)
        if start < customer.opened:
            return False
        if customer.skeleton_on is not None and start <= customer.skeleton_on:
            return False
        seen = [day_in_luxembourg(each[1]) for each in self.notes.values() if each[0] == key]
        return all(_period_is_over(day, customer.country, today) for day in [start, *seen])

    def _erase_accounts(self, keys: list[int], today: date) -> None:
        gone = set(keys)
        self.services = {n: each for n, each in self.services.items() if each.customer not in gone}
        self.notes = {n: each for n, each in self.notes.items() if each[0] not in gone}
        self.invoices = {
            n: (key, None if key in gone else payer) for n, (key, payer) in self.invoices.items()
        }
        ended = {contact for key, contact in self.ties if key in gone}
        self.ties = {tie for tie in self.ties if tie[0] not in gone}
        self.contacts -= ended - {contact for _, contact in self.ties}
        for number, (sender, recipient) in list(self.messages.items()):
            owners = {each for each in (sender, recipient) if each is not None}
            left = owners - gone
            if owners and not left:
                del self.messages[number]
            else:
                self.messages[number] = (
                    sender if sender in left else None,
                    recipient if recipient in left else None,
                )
        needed = {key for key, _ in self.invoices.values()}
        needed |= {key for key, _ in self.tickets.values()}
        for key in keys:
            if key in needed:
                customer = self.customers[key]
                customer.email = customer.country = None
                customer.skeleton_on = today
            else:
                del self.customers[key]


def _reader_ends(reader: Reader, today: date) -> bool:
    """A month after leaving; who objects is gone on the next day."""
    if reader.objected is not None:
        return reader.objected < today
    if reader.left is None:
        return False
    return last_day(day_in_luxembourg(reader.left), ONE_MONTH) < today


def _period_is_over(start: date, country: str | None, today: date) -> bool:
    months = max(TWO_YEARS, MINIMA.get(country or "", 0))
    return last_day(start, months) < today


def _is_incredible(day: date) -> bool:
    return day in SENTINELS or not date(1990, 1, 1) <= day <= date(2099, 12, 31)
