"""Services, orders and what they cost."""

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
    addresses,
    between,
    days,
    join,
    numbers,
    seconds,
    stamps,
    texts,
)
from demo.warehouse.pools import PLANS
from demo.warehouse.rooms.crm import ACTIVE, NEVER, Profiles

_PRODUCT = pl.Series([plan[0] for plan in PLANS])
_PLAN = pl.Series([plan[1] for plan in PLANS])
_MONTH_CENTS = np.array([plan[3] for plan in PLANS], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a chunk; one service each."""

    ids: Ints
    owner: Ints  # position of the account in the chunk
    day: Ints
    plan: Ints
    net_cents: Ints


def make_rows(chunk: Chunk, who: Profiles) -> tuple[Orders, Iterator[Batch]]:
    """Rows of the schema commerce, and the orders for billing."""
    rng = chunk.rng("commerce")
    served = np.flatnonzero(who.kind != NEVER)
    second = served[(rng.random(len(served)) < 0.4) & ~who.trial[served]]
    owner = np.concatenate([served, second])
    total = len(owner)
    first = np.arange(total) < len(served)
    opened, until = who.opened[owner], who.active_until[owner]
    start = np.where(first, opened, between(rng, opened, until, total))
    running = (who.kind[owner] == ACTIVE) & (first | (rng.random(total) < 0.7))
    ends = np.where(
        first & (who.kind[owner] != ACTIVE), who.ended[owner], between(rng, start, until, total)
    )
    plan = rng.integers(0, len(PLANS), total)
    months = rng.choice((1, 3, 12), total)
    services = chunk.counters.take("commerce.service", total)
    orders = Orders(
        ids=chunk.counters.take("commerce.order", total),
        owner=owner,
        day=start,
        plan=plan,
        net_cents=np.where(who.trial[owner], 0, _MONTH_CENTS[plan] * months),
    )
    return orders, iter(
        [
            _services(chunk, who, orders, services, running, ends),
            _orders(chunk, who, orders),
            _lines(orders, services, months),
        ]
    )


def _services(
    chunk: Chunk, who: Profiles, orders: Orders, ids: Ints, running: Bools, ends: Ints
) -> Batch:
    rng = chunk.rng("commerce.service")
    started = orders.day * DAY + rng.integers(0, DAY // 2, len(ids))
    cancelled = ~running & (rng.random(len(ids)) < 0.6)
    return Batch(
        "commerce.service",
        pl.DataFrame(
            {
                "service_id": ids,
                "account_id": who.ids[orders.owner],
                "product_code": _PRODUCT.gather(orders.plan),
                "plan_code": _PLAN.gather(orders.plan),
                "hostname": join("s{}.erp.example", pl.Series(ids)),
                "state": pl.Series(["running", "ended"]).gather((~running).astype(np.int64)),
                "is_trial": who.trial[orders.owner],
                "started_at": stamps(started),
                "ended_at": stamps(
                    ends * DAY + DAY // 2 + rng.integers(0, DAY // 3, len(ids)), ~running
                ),
                "cancelled_on": days(np.maximum(ends - 14, orders.day), cancelled),
            }
        ),
    )


def _orders(chunk: Chunk, who: Profiles, orders: Orders) -> Batch:
    rng = chunk.rng("commerce.order")
    total = len(orders.ids)
    return Batch(
        "commerce.order",
        pl.DataFrame(
            {
                "order_id": orders.ids,
                "account_id": who.ids[orders.owner],
                "ordered_by": numbers(who.contact_ids[orders.owner], rng.random(total) < 0.9),
                "ordered_at": stamps(seconds(rng, orders.day)),
                "state": pl.Series(["done"] * total, dtype=pl.String),
                "ip": texts(addresses(rng, total), rng.random(total) < 0.8),
                "note": texts(
                    pl.Series(["please call before the set-up"] * total, dtype=pl.String),
                    rng.random(total) < 0.03,
                ),
            }
        ),
    )


def _lines(orders: Orders, services: Ints, months: Ints) -> Batch:
    return Batch(
        "commerce.order_line",
        pl.DataFrame(
            {
                "order_id": orders.ids,
                "line_no": np.ones(len(services), dtype=np.int64),
                "service_id": services,
                "product_code": _PRODUCT.gather(orders.plan),
                "plan_code": _PLAN.gather(orders.plan),
                "months": months,
                "net_cents": orders.net_cents,
            }
        ),
    )
