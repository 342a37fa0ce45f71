"""What happens in a warehouse's life: each event changes the oracle's world and says the SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from tests.simulation.oracle import Customer, Reader, Service, World


@dataclass(frozen=True)
class Act:
    """What is done to the warehouse: a statement, or a hold of Lethe's own list.

    sort  'sql', or 'hold' / 'restriction' with the customer in `values`, or 'release' likewise
    """

    sort: str
    text: str = ""
    values: tuple[object, ...] = ()


# Where a day begins in Luxembourg, in summer and in winter, by the clock of UTC.
CLOCKS = (
    time(0, 0),
    time(12, 0),
    time(21, 59, 59, 999999),
    time(22, 0),
    time(22, 59, 59),
    time(23, 0),
    time(23, 59, 59),
)
COUNTRIES = ("LU", "LU", "DE", "FR", None)


@dataclass
class Life:
    """A random life, the same for the same seed.

    coming  days that services are booked to end on
    """

    random: Random
    coming: list[date]
    world: World = field(default_factory=World)
    number: int = 0
    today: date = date.min

    def live(self, today: date, events: int) -> list[Act]:
        """Some events of one day, in the order in which they happen."""
        self.today = today
        acts: list[Act] = []
        for _ in range(events):
            acts += self._event()()
        return acts

    def _event(self) -> Callable[[], list[Act]]:
        weighted: list[tuple[Callable[[], list[Act]], int]] = [
            (self.come, 6),
            (self.book, 2),
            (self.end, 7),
            (self.come_back, 3),
            (self.close, 3),
            (self.mark, 2),
            (self.unmark, 4),
            (self.list_hold, 2),
            (self.release, 4),
            (self.move, 3),
            (self.be_seen, 2),
            (self.write, 3),
            (self.share, 3),
            (self.invoice, 2),
            (self.ask, 3),
            (self.settle, 4),
            (self.read, 3),
            (self.leave, 3),
            (self.err, 1),
            (self.correct, 1),
        ]
        kinds, weights = zip(*weighted, strict=True)
        chosen: Callable[[], list[Act]] = self.random.choices(kinds, weights)[0]
        return chosen

    def come(self) -> list[Act]:
        """A customer comes: with a service without end, one booked to end, or a draft only."""
        key = self._next()
        email, country = f"c{key}@example.invalid", self.random.choice(COUNTRIES)
        self.world.customers[key] = Customer(email, country, self.today)
        text = "INSERT INTO crm.customer (id, email, country, opened_on) VALUES (%s, %s, %s, %s)"
        return [Act("sql", text, (key, email, country, self.today)), *self._book(key)]

    def book(self) -> list[Act]:
        """A customer takes one more service."""
        key = self._customer(lambda each: each.skeleton_on is None)
        return self._book(key) if key else []

    def end(self) -> list[Act]:
        """An open service ends now."""
        ours = [n for n, each in self.world.services.items() if each.state == "open"]
        if not ours:
            return []
        number, at = self.random.choice(ours), self._clock(self.today)
        self.world.services[number].state, self.world.services[number].ends = "ended", at
        text = "UPDATE crm.service SET state = 'ended', ends_at = %s::timestamptz WHERE id = %s"
        return [Act("sql", text, (f"{at}+00", number))]

    def come_back(self) -> list[Act]:
        """Somebody whose period runs, or of whom only a skeleton is left, takes a service again."""
        key = self._customer(lambda each: each.skeleton_on is not None) or self._customer(
            lambda each: each.closed is not None and each.closed <= self.today
        )
        if not key:
            return []
        customer = self.world.customers[key]
        customer.email, customer.closed = f"again{key}@example.invalid", None
        customer.country = self.random.choice(COUNTRIES)
        text = "UPDATE crm.customer SET email = %s, country = %s, closed_on = NULL WHERE id = %s"
        again = Act("sql", text, (customer.email, customer.country, key))
        return [again, self._add_service(key, "open", None)]

    def close(self) -> list[Act]:
        """A customer closes the account; what still ran ends then."""
        key = self._customer(lambda each: each.closed is None and each.skeleton_on is None)
        if not key:
            return []
        self.world.customers[key].closed = self.today
        acts = [
            Act("sql", "UPDATE crm.customer SET closed_on = %s WHERE id = %s", (self.today, key))
        ]
        at = self._clock(self.today)
        for number, each in self.world.services.items():
            if each.customer == key and each.state == "open":
                each.state, each.ends = "ended", at
                text = (
                    "UPDATE crm.service SET state = 'ended', ends_at = %s::timestamptz"
                    " WHERE id = %s"
                )
                acts.append(Act("sql", text, (f"{at}+00", number)))
        return acts

    def mark(self) -> list[Act]:
        """The warehouse marks somebody as party to a case, or as restricted."""
        column = self.random.choice(("in_court", "restricted"))
        return self._mark(column, True, lambda each: not getattr(each, column))

    def unmark(self) -> list[Act]:
        """A mark goes."""
        column = self.random.choice(("in_court", "restricted"))
        return self._mark(column, False, lambda each: bool(getattr(each, column)))

    def list_hold(self) -> list[Act]:
        """A hold or a restriction is laid on somebody in Lethe's own list."""
        sort = self.random.choice(("hold", "restriction"))
        key = self._customer(lambda each: sort not in each.listed)
        if not key:
            return []
        self.world.customers[key].listed.add(sort)
        return [Act(sort, values=(key,))]

    def release(self) -> list[Act]:
        """One of them is released."""
        key = self._customer(lambda each: bool(each.listed))
        if not key:
            return []
        sort = self.random.choice(sorted(self.world.customers[key].listed))
        self.world.customers[key].listed.remove(sort)
        return [Act("release", sort, (key,))]

    def move(self) -> list[Act]:
        """Somebody moves to another country."""
        key = self._customer(lambda each: each.skeleton_on is None)
        if not key:
            return []
        country = self.random.choice(COUNTRIES)
        self.world.customers[key].country = country
        return [Act("sql", "UPDATE crm.customer SET country = %s WHERE id = %s", (country, key))]

    def be_seen(self) -> list[Act]:
        """A row with activity comes, of whomever."""
        key = self._customer(lambda each: each.skeleton_on is None)
        if not key:
            return []
        number, at = self._next(), self._clock(self.today)
        self.world.notes[number] = (key, at)
        return [Act("sql", "INSERT INTO crm.note VALUES (%s, %s, %s)", (number, key, at))]

    def write(self) -> list[Act]:
        """One customer writes to another, or to nobody that we know."""
        sender = self._customer(lambda each: each.skeleton_on is None)
        recipient = self._customer(lambda each: each.skeleton_on is None)
        if not sender:
            return []
        number = self._next()
        to = recipient if self.random.random() < 0.8 else None
        self.world.messages[number] = (sender, to)
        return [Act("sql", "INSERT INTO crm.message VALUES (%s, %s, %s)", (number, sender, to))]

    def share(self) -> list[Act]:
        """A contact that one, two or three customers share."""
        keys = {self._customer(lambda each: each.skeleton_on is None) for _ in range(3)} - {None}
        if not keys:
            return []
        number = self._next()
        self.world.contacts.add(number)
        acts = [Act("sql", "INSERT INTO crm.contact VALUES (%s, 'a name')", (number,))]
        for key in sorted(key for key in keys if key):
            self.world.ties.add((key, number))
            text = "INSERT INTO crm.customer_contact VALUES (%s, %s)"
            acts.append(Act("sql", text, (key, number)))
        return acts

    def invoice(self) -> list[Act]:
        """An invoice, which stays whatever happens."""
        key = self._customer(lambda each: each.skeleton_on is None)
        if not key:
            return []
        number = self._next()
        self.world.invoices[number] = (key, "payer")
        text = "INSERT INTO billing.invoice VALUES (%s, %s, 'payer')"
        return [Act("sql", text, (number, key))]

    def ask(self) -> list[Act]:
        """A ticket is opened."""
        key = self._customer(lambda each: each.skeleton_on is None)
        if not key:
            return []
        number = self._next()
        self.world.tickets[number] = (key, None)
        return [Act("sql", "INSERT INTO desk.ticket VALUES (%s, %s)", (number, key))]

    def settle(self) -> list[Act]:
        """A ticket is closed."""
        ours = [n for n, each in self.world.tickets.items() if each[1] is None]
        if not ours:
            return []
        number, at = self.random.choice(ours), self._clock(self.today)
        self.world.tickets[number] = (self.world.tickets[number][0], at)
        return [Act("sql", "UPDATE desk.ticket SET closed_at = %s WHERE id = %s", (at, number))]

    def read(self) -> list[Act]:
        """A reader subscribes, without an account."""
        email = f"r{self._next()}@example.invalid"
        self.world.readers[email] = Reader()
        return [Act("sql", "INSERT INTO marketing.reader VALUES (%s)", (email,))]

    def leave(self) -> list[Act]:
        """A reader leaves, objects, or comes back in the last month."""
        if not self.world.readers:
            return []
        email = self.random.choice(sorted(self.world.readers))
        reader, what = self.world.readers[email], self.random.random()
        if what < 0.25:
            reader.objected = self.today
        elif what < 0.4:
            reader.left = None
        else:
            reader.left = self._clock(self.today)
        left = f"{reader.left}+00" if reader.left else None
        text = (
            "UPDATE marketing.reader SET left_at = %s::timestamptz, objected_on = %s"
            " WHERE email = %s"
        )
        return [Act("sql", text, (left, reader.objected, email))]

    def err(self) -> list[Act]:
        """Somebody's closing day becomes one that cannot be true."""
        key = self._customer(lambda each: each.skeleton_on is None)
        if not key:
            return []
        before = self.world.customers[key].opened - timedelta(days=1)
        day = self.random.choice((date(1970, 1, 1), date(9999, 12, 31), date(1989, 12, 31), before))
        self.world.customers[key].closed = day
        return [Act("sql", "UPDATE crm.customer SET closed_on = %s WHERE id = %s", (day, key))]

    def correct(self) -> list[Act]:
        """A day that cannot be true is taken out."""
        key = self._customer(
            lambda each: (
                each.closed is not None and (each.closed.year > 2099 or each.closed < each.opened)
            )
        )
        if not key:
            return []
        self.world.customers[key].closed = None
        return [Act("sql", "UPDATE crm.customer SET closed_on = NULL WHERE id = %s", (key,))]

    def _book(self, key: int) -> list[Act]:
        what = self.random.random()
        later = [day for day in self.coming if day >= self.today][:12]
        if what < 0.45:
            return [self._add_service(key, "open", None)]
        if what < 0.8 and later:
            return [self._add_service(key, "ended", self._clock(self.random.choice(later)))]
        if what < 0.9:
            return [self._add_service(key, "draft", None)]
        # Open, although the day on which it was to end may be past: it runs.
        return [self._add_service(key, "open", self._clock(self.today))]

    def _add_service(self, key: int, state: str, ends: datetime | None) -> Act:
        number = self._next()
        self.world.services[number] = Service(key, state, ends)
        text = "INSERT INTO crm.service VALUES (%s, %s, %s, %s::timestamptz)"
        return Act("sql", text, (number, key, state, f"{ends}+00" if ends else None))

    def _mark(self, column: str, value: bool, which: Callable[[Customer], bool]) -> list[Act]:
        key = self._customer(which)
        if not key:
            return []
        setattr(self.world.customers[key], column, value)
        # The name is one of two words of this file.
        return [Act("sql", f"UPDATE crm.customer SET {column} = %s WHERE id = %s", (value, key))]

    def _customer(self, which: Callable[[Customer], bool]) -> int | None:
        found = [key for key, each in self.world.customers.items() if which(each)]
        return self.random.choice(found) if found else None

    def _clock(self, day: date) -> datetime:
        return datetime.combine(day, self.random.choice(CLOCKS))

    def _next(self) -> int:
        self.number += 1
        return self.number
