"""All rows of a demo warehouse, chunk by chunk, the same for the same (seed, accounts, as_of)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from demo.warehouse.chunk import Batch, Chunk, Counters, Ints, between, days, join
from demo.warehouse.pools import COUNTRIES, PLANS, PRODUCTS, Pools, make_pools
from demo.warehouse.rooms import billing, commerce, compliance, crm, marketing, support, web

CHUNK_ACCOUNTS = 20_000


def count_employees(accounts: int) -> int:
    """How many people work there."""
    return min(6 + accounts // 500, 300)


def generate(
    seed: int, ids: Ints, as_of: date, counters: Counters, employees: int
) -> Iterator[Batch]:
    """Batches of rows for the accounts `ids`; memory stays bounded by the chunk."""
    pools = make_pools(seed)
    yield from _make_catalog()
    yield _make_employees(seed, pools, as_of, employees)
    yield from marketing.make_fixed(as_of)
    for number, start in enumerate(range(0, len(ids), CHUNK_ACCOUNTS)):
        chunk = Chunk(
            seed=seed,
            number=number,
            as_of=as_of,
            ids=ids[start : start + CHUNK_ACCOUNTS],
            pools=pools,
            counters=counters,
            employees=employees,
        )
        yield from _make_chunk(chunk)


def _make_chunk(chunk: Chunk) -> Iterator[Batch]:
    who = crm.make_profiles(chunk)
    yield from crm.make_rows(chunk, who)
    orders, batches = commerce.make_rows(chunk, who)
    yield from batches
    yield from billing.make_rows(chunk, who, orders)
    cookies = web.make_cookies(chunk)
    yield cookies
    yield from web.make_rows(chunk, who, cookies)
    yield from support.make_rows(chunk, who, cookies.rows["cookie_id"])
    yield from marketing.make_rows(chunk, who)
    yield from compliance.make_rows(chunk, who)


def _make_catalog() -> Iterator[Batch]:
    yield Batch(
        "catalog.country",
        pl.DataFrame(
            [country[:5] for country in COUNTRIES],
            schema=["code", "name", "currency", "vat_percent", "in_eu"],
            orient="row",
        ),
    )
    yield Batch(
        "catalog.product", pl.DataFrame(PRODUCTS, schema=["product_code", "name"], orient="row")
    )
    yield Batch(
        "catalog.plan",
        pl.DataFrame(
            PLANS, schema=["product_code", "plan_code", "name", "month_cents"], orient="row"
        ),
    )


def _make_employees(seed: int, pools: Pools, as_of: date, count: int) -> Batch:
    rng = np.random.default_rng([seed, 999])
    ids = np.arange(1, count + 1, dtype=np.int64)
    today = (as_of - date(1970, 1, 1)).days
    hired = today - between(rng, 100, 4_000, count)
    left = (rng.random(count) < 0.15) & (ids > 3)
    first = pools.first_names.gather(rng.integers(0, len(pools.first_names), count))
    last = pools.last_names.gather(rng.integers(0, len(pools.last_names), count))
    return Batch(
        "crm.employee",
        pl.DataFrame(
            {
                "employee_id": ids,
                "full_name": join("{} {}", first, last),
                "work_email": join("staff{}@company.example", pl.Series(ids)),
                "phone": join("+352 26 {}", pl.Series(rng.integers(100_000, 999_999, count))),
                "job": pl.Series(pools.texts["employee_job"]).gather(rng.integers(0, 6, count)),
                "manager_id": pl.Series(
                    [None, *[(n - 2) // 6 + 1 for n in range(2, count + 1)]], dtype=pl.Int64
                ),
                "hired_on": days(hired),
                "left_on": days(between(rng, hired, today - 1, count), left),
            }
        ),
    )
