"""Sessions, cookies, pixels and raw logs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from demo.warehouse.chunk import (
    DAY,
    Batch,
    Chunk,
    addresses,
    between,
    days,
    join,
    numbers,
    seconds,
    stamps,
    texts,
    tokens,
)
from demo.warehouse.rooms.crm import Profiles, account_numbers

LOG_DAYS = 100


def make_cookies(chunk: Chunk) -> Batch:
    """Visitors: about eight for ten accounts, known by their cookie only."""
    rng = chunk.rng("web.cookie")
    count = len(chunk.ids)
    total = int((rng.random(count) < 0.8).sum())
    first = chunk.today - between(rng, 1, 415, total)
    last = between(rng, first, chunk.today - 1, total)
    yes = pl.Series(["true", "false"])
    return Batch(
        "web.cookie",
        pl.DataFrame(
            {
                "cookie_id": tokens(rng, total, 24),
                "first_seen_at": stamps(first * DAY + 100),
                "last_seen_at": stamps(last * DAY + 80_000),
                "expires_on": days(first + 390),
                "choice": join(
                    '{"analytics": {}, "marketing": {}}',
                    yes.gather(rng.integers(0, 2, total)),
                    yes.gather(rng.integers(0, 2, total)),
                ),
                "user_agent": chunk.words("user_agent", rng, total),
                "landing_url": join(
                    "https://www.company.example{}?utm_source=news", chunk.words("path", rng, total)
                ),
            }
        ),
    )


def make_rows(chunk: Chunk, who: Profiles, cookies: Batch) -> Iterator[Batch]:
    """Rows of the schema web, the cookies apart."""
    yield _sessions(chunk, who)
    yield _pixels(chunk, cookies)
    yield _access_log(chunk)


def _sessions(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("web.session")
    times = np.where(who.running, rng.binomial(3, 0.4, len(who.ids)), 0)
    owner = np.repeat(np.arange(len(who.ids)), times)
    total = len(owner)
    day = np.maximum(chunk.today - between(rng, 1, 16, total), who.opened[owner])
    start = seconds(rng, np.minimum(day, chunk.today - 1))
    expires = start + np.where(rng.random(total) < 0.3, 14 * DAY, DAY // 2)
    return Batch(
        "web.session",
        pl.DataFrame(
            {
                "session_id": tokens(rng, total, 32),
                "user_id": who.user_ids[owner],
                "ip": addresses(rng, total),
                "user_agent": chunk.words("user_agent", rng, total),
                "started_at": stamps(start),
                "last_seen_at": stamps(start + 1_200),
                "expires_at": stamps(expires),
            }
        ),
    )


def _pixels(chunk: Chunk, cookies: Batch) -> Batch:
    rng = chunk.rng("web.pixel_hit")
    count = len(cookies.rows)
    first = cookies.rows["first_seen_at"].dt.epoch("s").to_numpy() // DAY
    agreed = cookies.rows["choice"].str.contains('"marketing": true', literal=True).to_numpy()
    index = np.repeat(np.arange(count), np.where(agreed, rng.binomial(4, 0.5, count), 0))
    total = len(index)
    # Older hits have lost their cookie already; only their own 25 months are left.
    old = rng.random(total) < 0.3
    day = np.where(
        old,
        chunk.today - between(rng, 420, 790, total),
        between(rng, first[index], chunk.today - 1, total),
    )
    return Batch(
        "web.pixel_hit",
        pl.DataFrame(
            {
                "hit_id": chunk.counters.take("web.pixel_hit", total),
                "cookie_id": texts(cookies.rows["cookie_id"].gather(index), ~old),
                "vendor": chunk.words("pixel_vendor", rng, total),
                "page_url": join("https://www.company.example{}", chunk.words("path", rng, total)),
                "seen_at": stamps(seconds(rng, day)),
            }
        ),
    )


def _access_log(chunk: Chunk) -> Batch:
    rng = chunk.rng("web.access_log")
    total = len(chunk.ids) * 3
    day = chunk.today - between(rng, 1, LOG_DAYS, total)
    signed_in = rng.random(total) < 0.1
    number = account_numbers(chunk.ids[rng.integers(0, len(chunk.ids), total)])
    path = chunk.words("path", rng, total)
    secret = join("{}?token={}&lang=fr", path, tokens(rng, total, 12))
    url = pl.select(
        pl.when(pl.Series(rng.random(total) < 0.1)).then(pl.lit(secret)).otherwise(pl.lit(path))
    )
    status = rng.choice((200, 200, 200, 200, 302, 304, 404, 500), total)
    return Batch(
        "web.access_log",
        pl.DataFrame(
            {
                "log_id": chunk.counters.take("web.access_log", total),
                "logged_at": stamps(seconds(rng, day)),
                "ip": addresses(rng, total),
                "account_number": texts(number, signed_in),
                "method": pl.Series(["GET", "POST"]).gather(
                    (rng.random(total) < 0.2).astype(np.int64)
                ),
                "url": url.to_series(),
                "status": status,
                "bytes_sent": numbers(rng.integers(200, 60_000, total), status != 304),
                "referrer": texts(chunk.words("referrer", rng, total), rng.random(total) < 0.4),
                "exit_url": texts(chunk.words("referrer", rng, total), rng.random(total) < 0.05),
                "user_agent": chunk.words("user_agent", rng, total),
                "error": texts(
                    pl.Series(["upstream timed out"] * total, dtype=pl.String), status == 500
                ),
            }
        ),
    )
