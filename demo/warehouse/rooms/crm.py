"""Accounts and who they are: the profile that every other room hangs its rows on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from demo.warehouse.chunk import (
    DAY,
    Batch,
    Bools,
    Chunk,
    Ints,
    between,
    days,
    join,
    numbers,
    seconds,
    stamps,
    texts,
    tokens,
)
from demo.warehouse.pools import LOCALES, POOL_SIZE
from demo.warehouse.tax import vat_numbers

ACTIVE, RECENT, DUE_TRIAL, DUE_PAID, NEVER = range(5)
SHARES = (0.745, 0.13, 0.037, 0.068, 0.02)
# A margin of days around the two-year line: what lies on the line is a named case.
MARGIN = 3


@dataclass(frozen=True, slots=True)
class Profiles:
    """The facts of a chunk's accounts, one array position an account."""

    ids: Ints
    kind: Ints
    opened: Ints  # day number
    ended: Ints  # day number of the last end; meaningless while running
    active_until: Ints  # no row of the account is younger than this day
    trial: Bools
    people: pl.DataFrame  # name, company, email, phone, street, postcode, city, country…
    contact_ids: Ints
    user_ids: Ints

    @property
    def paid(self) -> Bools:
        """Accounts that were ever invoiced."""
        ever: Bools = ~self.trial & (self.kind != NEVER)
        return ever

    @property
    def running(self) -> Bools:
        """Accounts with a service today."""
        today: Bools = self.kind == ACTIVE
        return today

    def number(self, index: Ints | None = None) -> pl.Series:
        """Account numbers as customers see them."""
        ids = self.ids if index is None else self.ids[index]
        return account_numbers(ids)


def account_numbers(ids: Ints) -> pl.Series:
    """`MS-` and the account's id."""
    return join("MS-{}", pl.Series(ids).cast(pl.String).str.zfill(8))


def make_profiles(chunk: Chunk) -> Profiles:
    """Decide who the accounts of a chunk are."""
    rng = chunk.rng("profile")
    count = len(chunk.ids)
    kind = rng.choice(len(SHARES), count, p=SHARES).astype(np.int64)
    line = chunk.as_of.replace(year=chunk.as_of.year - 2, day=min(chunk.as_of.day, 28))
    cut = chunk.today - (chunk.as_of - line).days
    recent_end = between(rng, cut + MARGIN, chunk.today - 1, count)
    due_end = between(rng, cut - 1_500, cut - MARGIN, count)
    ended = np.where(kind == RECENT, recent_end, due_end)
    trial = (kind == DUE_TRIAL) | ((kind <= RECENT) & (rng.random(count) < 0.08))
    long_ago = np.where(trial, 30, 2_500)
    opened = np.where(
        np.isin(kind, (ACTIVE, NEVER)),
        chunk.today - between(rng, 5, np.where(trial, 29, 3_600), count),
        ended - between(rng, 14, long_ago, count),
    )
    open_ended = np.isin(kind, (ACTIVE, NEVER))
    active_until = np.where(open_ended, chunk.today - 1, ended)
    never_until = np.minimum(opened + 60, chunk.today - 1)
    active_until = np.where(kind == NEVER, never_until, active_until)
    return Profiles(
        ids=chunk.ids,
        kind=kind,
        opened=opened,
        ended=ended,
        active_until=active_until,
        trial=trial,
        people=_make_people(chunk),
        contact_ids=chunk.counters.take("crm.contact", count),
        user_ids=chunk.counters.take("crm.app_user", count),
    )


def _make_people(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("people")
    count = len(chunk.ids)
    countries = chunk.pools.countries
    weight = countries["weight"].to_numpy().astype(float)
    country = rng.choice(len(weight), count, p=weight / weight.sum())
    first = _draw_name(chunk.pools.first_names, country, rng)
    last = _draw_name(chunk.pools.last_names, country, rng)
    company = join(
        "{} {}",
        _draw_name(chunk.pools.last_names, country, rng),
        chunk.words("company", rng, count),
    )
    is_company = rng.random(count) < 0.8
    local = pl.select(
        pl.lit(join("{}.{}", first, last))
        .str.to_lowercase()
        .str.normalize("NFKD")
        .str.replace_all(r"[^a-z.]", "")
    ).to_series()
    places = countries[country]
    return pl.DataFrame(
        {
            "first_name": first,
            "name": join("{} {}", first, last),
            "company": texts(company, is_company),
            "email": join(
                "{}.{}@customer{}.example", local, pl.Series(chunk.ids), pl.Series(chunk.ids % 97)
            ),
            "phone": join(
                "{} 5{}", places["dial"], pl.Series(rng.integers(1_000_000, 9_999_999, count))
            ),
            "street": join(
                "{} {}",
                pl.Series(rng.integers(1, 199, count)),
                _draw_name(chunk.pools.streets, country, rng),
            ),
            "postcode": pl.Series(rng.integers(1_000, 9_999, count)).cast(pl.String),
            "city": _draw_name(chunk.pools.cities, country, rng),
            "country": places["code"],
            "currency": places["currency"],
            "vat_percent": places["vat_percent"],
            "zone": places["zone"],
            "vat_number": texts(vat_numbers(places["code"], rng), is_company),
            "is_company": pl.Series(is_company),
        }
    )


def _draw_name(pool: pl.Series, country: Ints, rng: np.random.Generator) -> pl.Series:
    locale = country % len(LOCALES)
    return pool.gather(locale * POOL_SIZE + rng.integers(0, POOL_SIZE, len(country)))


def make_rows(chunk: Chunk, who: Profiles) -> Iterator[Batch]:
    """Rows of the schema crm."""
    yield _accounts(chunk, who)
    yield _history(chunk, who)
    yield from _contacts(chunk, who)
    yield _addresses(chunk, who)
    yield _users(chunk, who)


def _accounts(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("crm.account")
    count = len(who.ids)
    stopped = np.isin(who.kind, (RECENT, DUE_TRIAL, DUE_PAID))
    closed = stopped & (rng.random(count) < 0.5)
    sole = ~who.people["is_company"].to_numpy() & (rng.random(count) < 0.5)
    restricted = rng.random(count) < 0.001
    reason = pl.Series(["accuracy contested", "objection pending", "needed for a claim"])
    # Referrers are older accounts of the same chunk, so that the chunk stands on its own.
    referred = (rng.random(count) < 0.02) & (np.arange(count) > 0)
    referrer = who.ids[(np.arange(count) * rng.random(count)).astype(np.int64)]
    language = pl.Series(["fr", "de", "en", "pt"]).gather(
        rng.choice(4, count, p=(0.5, 0.2, 0.2, 0.1))
    )
    opened = seconds(rng, who.opened)
    return Batch(
        "crm.account",
        pl.DataFrame(
            {
                "account_id": who.ids,
                "account_number": who.number(),
                "company_name": who.people["company"],
                "holder_name": who.people["name"],
                "email": who.people["email"],
                "phone": who.people["phone"],
                "language": language,
                "country_code": who.people["country"],
                "time_zone": who.people["zone"],
                "vat_number": who.people["vat_number"],
                "birth_date": days(chunk.today - between(rng, 22 * 366, 70 * 365, count), sole),
                "state": pl.Series(["open", "closed"]).gather(closed.astype(np.int64)),
                "opened_at": stamps(opened),
                "closed_at": stamps(who.ended * DAY + 60_000, closed),
                "restricted_since": stamps(seconds(rng, who.active_until), restricted),
                "restriction_reason": texts(reason.gather(rng.integers(0, 3, count)), restricted),
                "primary_contact_id": who.contact_ids,
                "referred_by": numbers(referrer, referred),
                "settings": join(
                    '{"theme": "{}", "invoice_mail": "{}"}',
                    pl.Series(["dark", "light"]).gather(rng.integers(0, 2, count)),
                    who.people["email"],
                ),
                "updated_at": stamps(np.maximum(opened, who.active_until * DAY)),
            }
        ),
    )


def _history(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("crm.account_history")
    index = np.flatnonzero(rng.random(len(who.ids)) < 0.05)
    changed = between(rng, who.opened[index], who.active_until[index], len(index))
    people = who.people[index]
    return Batch(
        "crm.account_history",
        pl.DataFrame(
            {
                "account_id": who.ids[index],
                "version": np.ones(len(index), dtype=np.int64),
                "company_name": people["company"],
                "holder_name": people["name"],
                "email": join("former.{}", people["email"]),
                "vat_number": people["vat_number"],
                "valid_from": stamps(who.opened[index] * DAY),
                "valid_to": stamps(changed * DAY),
            }
        ),
    )


def _contacts(chunk: Chunk, who: Profiles) -> Iterator[Batch]:
    rng = chunk.rng("crm.contact")
    count = len(who.ids)
    second = np.flatnonzero(rng.random(count) < 0.2)
    extra = _make_extra_people(chunk, who, second)
    ids = np.concatenate([who.contact_ids, chunk.counters.take("crm.contact", len(second))])
    owner = np.concatenate([np.arange(count), second])
    total = len(ids)
    created = seconds(rng, who.opened[owner])
    yield Batch(
        "crm.contact",
        pl.DataFrame(
            {
                "contact_id": ids,
                "main_account_id": numbers(who.ids[owner], rng.random(total) < 0.9),
                "full_name": pl.concat([who.people["name"], extra["name"]]),
                "email": pl.concat([who.people["email"], extra["email"]]),
                "phone": pl.concat([who.people["phone"], extra["phone"]]),
                "job": chunk.words("job", rng, total),
                "notes": texts(
                    pl.Series(["prefers the telephone"] * total), rng.random(total) < 0.05
                ),
                "created_at": stamps(created),
                "updated_at": stamps(created),
            }
        ),
    )
    # One second contact in twenty also works for the account before.
    shared = np.flatnonzero((rng.random(len(second)) < 0.05) & (second > 0))
    role = pl.Series(["main"] * count + ["billing"] * len(second) + ["adviser"] * len(shared))
    yield Batch(
        "crm.account_contact",
        pl.DataFrame(
            {
                "account_id": np.concatenate([who.ids[owner], who.ids[second[shared] - 1]]),
                "contact_id": np.concatenate([ids, ids[count + shared]]),
                "role": role.cast(pl.String),
            }
        ),
    )


def _make_extra_people(chunk: Chunk, who: Profiles, index: Ints) -> pl.DataFrame:
    rng = chunk.rng("second people")
    pool = chunk.pools
    people = who.people[index]
    count = len(index)
    first = pool.first_names.gather(rng.integers(0, len(pool.first_names), count))
    last = pool.last_names.gather(rng.integers(0, len(pool.last_names), count))
    return pl.DataFrame(
        {
            "name": join("{} {}", first, last),
            "email": join("office.{}", people["email"]),
            "phone": people["phone"],
        }
    )


def _addresses(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("crm.address")
    count = len(who.ids)
    moved = np.flatnonzero(rng.random(count) < 0.12)
    since = between(rng, who.opened, who.active_until, count)
    has_moved = np.zeros(count, dtype=bool)
    has_moved[moved] = True
    people = pl.concat([who.people, who.people[moved]])
    total = len(people)
    return Batch(
        "crm.address",
        pl.DataFrame(
            {
                "address_id": chunk.counters.take("crm.address", total),
                "account_id": np.concatenate([who.ids, who.ids[moved]]),
                "kind": pl.Series(["billing", "office"]).gather(
                    (rng.random(total) < 0.1).astype(np.int64)
                ),
                "street": pl.concat(
                    [who.people["street"], join("{} B", who.people["street"][moved])]
                ),
                "postcode": people["postcode"],
                "city": people["city"],
                "country_code": people["country"],
                "valid_from": days(
                    np.concatenate([np.where(has_moved, since, who.opened), who.opened[moved]])
                ),
                "valid_to": days(
                    np.concatenate([who.opened, since[moved]]), np.arange(total) >= count
                ),
            }
        ),
    )


def _users(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("crm.app_user")
    count = len(who.ids)
    seen = rng.random(count) < 0.95
    return Batch(
        "crm.app_user",
        pl.DataFrame(
            {
                "user_id": who.user_ids,
                "account_id": who.ids,
                "contact_id": who.contact_ids,
                "login": who.people["email"],
                "password_hash": tokens(rng, count, 65, "$argon2id$v=19$m=65536,t=3,p=4$"),
                "totp_encrypted": texts(tokens(rng, count, 32, "enc:v1:"), rng.random(count) < 0.3),
                "created_at": stamps(seconds(rng, who.opened)),
                "last_seen_at": stamps(seconds(rng, who.active_until), seen),
            }
        ),
    )
