"""Tickets, chats, calls and complaints; some from people without an account."""

from __future__ import annotations

from collections.abc import Iterator

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
from demo.warehouse.rooms.crm import Profiles

WEEK = 7 * DAY


def make_rows(chunk: Chunk, who: Profiles, cookies: pl.Series) -> Iterator[Batch]:
    """Rows of the schema support."""
    yield from _tickets(chunk, who)
    yield _chats(chunk, who, cookies)
    yield _calls(chunk, who)
    yield _complaints(chunk, who)


def _chosen(
    chunk: Chunk, who: Profiles, table: str, share: float
) -> tuple[np.random.Generator, Ints]:
    rng = chunk.rng(table)
    return rng, np.flatnonzero(rng.random(len(who.ids)) < share)


def _employee(chunk: Chunk, rng: np.random.Generator, count: int) -> Ints:
    return rng.integers(1, chunk.employees + 1, count)


def _tickets(chunk: Chunk, who: Profiles) -> Iterator[Batch]:
    rng, mine = _chosen(chunk, who, "support.ticket", 0.5)
    foreign = np.flatnonzero(rng.random(len(who.ids)) < 0.04)  # enquiries without an account
    owner = np.concatenate([mine, foreign])
    total = len(owner)
    of_account = np.arange(total) < len(mine)
    opened_day = np.where(
        of_account,
        between(rng, who.opened[owner], who.active_until[owner], total),
        chunk.today - between(rng, 1, 1_200, total),
    )
    opened = seconds(rng, opened_day)
    latest = np.where(of_account, who.active_until[owner], chunk.today - 1) * DAY + DAY - 1
    closed = np.minimum(opened + rng.integers(600, WEEK, total), latest)
    still_open = (rng.random(total) < 0.05) & (opened > chunk.today * DAY - 30 * DAY)
    ids = chunk.counters.take("support.ticket", total)
    email = join("asks{}@visitor.example", pl.Series(ids))
    known = pl.Series(of_account)
    yield Batch(
        "support.ticket",
        pl.DataFrame(
            {
                "ticket_id": ids,
                "account_id": numbers(who.ids[owner], of_account),
                "contact_id": numbers(
                    who.contact_ids[owner], of_account & (rng.random(total) < 0.8)
                ),
                "assigned_to": numbers(_employee(chunk, rng, total), rng.random(total) < 0.9),
                "requester_email": pl.select(
                    pl.when(known)
                    .then(pl.lit(who.people["email"].gather(owner)))
                    .otherwise(pl.lit(email))
                ).to_series(),
                "subject": chunk.words("subject", rng, total),
                "state": pl.Series(["closed", "open"]).gather(still_open.astype(np.int64)),
                "opened_at": stamps(opened),
                "closed_at": stamps(closed, ~still_open),
                "updated_at": stamps(closed),
            }
        ),
    )
    yield _messages(chunk, who, ids, owner, opened, closed, of_account)


def _messages(
    chunk: Chunk,
    who: Profiles,
    tickets: Ints,
    owner: Ints,
    opened: Ints,
    closed: Ints,
    known: Bools,
) -> Batch:
    rng = chunk.rng("support.ticket_message")
    times = 1 + rng.binomial(3, 0.4, len(tickets))
    index = np.repeat(np.arange(len(tickets)), times)
    total = len(index)
    first = np.r_[True, index[1:] != index[:-1]] if total else np.zeros(0, dtype=bool)
    sent = np.where(
        first,
        opened[index],
        opened[index] + ((closed - opened)[index] * rng.random(total)).astype(np.int64),
    )
    name = who.people["name"].gather(owner[index])
    asked = join("{}\n{}", chunk.words("question", rng, total), name)
    body = pl.select(
        pl.when(pl.Series(first))
        .then(pl.lit(asked))
        .otherwise(pl.lit(chunk.words("reply", rng, total)))
    ).to_series()
    ids = chunk.counters.take("support.ticket_message", total)
    with_file = first & known[index] & (rng.random(total) < 0.05)
    return Batch(
        "support.ticket_message",
        pl.DataFrame(
            {
                "message_id": ids,
                "ticket_id": tickets[index],
                "written_by": numbers(_employee(chunk, rng, total), ~first),
                "body": body,
                "file_reference": texts(join("tickets/{}.bin", pl.Series(ids)), with_file),
                "sent_at": stamps(sent),
            }
        ),
    )


def _chats(chunk: Chunk, who: Profiles, cookies: pl.Series) -> Batch:
    rng, owner = _chosen(chunk, who, "support.chat", 0.15)
    total = len(owner)
    known = rng.random(total) < 0.6
    recent = chunk.today - between(rng, 1, 300, total)
    day = np.where(known, between(rng, who.opened[owner], who.active_until[owner], total), recent)
    started = seconds(rng, day)
    cookie = (
        cookies.gather(rng.integers(0, len(cookies), total))
        if len(cookies)
        else tokens(rng, total, 24)
    )
    transcript = join(
        '[{"from": "{}", "text": "Hello, is somebody there?"}]',
        who.people["first_name"].gather(owner),
    )
    return Batch(
        "support.chat",
        pl.DataFrame(
            {
                "chat_id": chunk.counters.take("support.chat", total),
                "account_id": numbers(who.ids[owner], known),
                "cookie_id": texts(cookie, ~known),
                "employee_id": _employee(chunk, rng, total),
                "nickname": who.people["first_name"].gather(owner),
                "transcript": transcript,
                "started_at": stamps(started),
                "ended_at": stamps(np.minimum(started + 900, day * DAY + DAY - 1)),
            }
        ),
    )


def _calls(chunk: Chunk, who: Profiles) -> Batch:
    rng, owner = _chosen(chunk, who, "support.Call Record", 0.1)
    total = len(owner)
    ids = chunk.counters.take("support.Call Record", total)
    day = between(rng, who.opened[owner], who.active_until[owner], total)
    return Batch(
        "support.Call Record",
        pl.DataFrame(
            {
                "Call ID": ids,
                "account_id": who.ids[owner],
                "employee_id": _employee(chunk, rng, total),
                "Caller's number": who.people["phone"].gather(owner),
                "Started (UTC)": stamps(seconds(rng, day)),
                "Length, s": rng.integers(20, 2_400, total),
                "Recording": texts(join("calls/{}.ogg", pl.Series(ids)), rng.random(total) < 0.5),
            }
        ),
    )


def _complaints(chunk: Chunk, who: Profiles) -> Batch:
    rng, owner = _chosen(chunk, who, "support.complaint", 0.02)
    total = len(owner)
    known = rng.random(total) < 0.5
    received = np.where(
        known,
        between(rng, who.opened[owner], who.active_until[owner], total),
        chunk.today - between(rng, 1, 2_600, total),
    )
    settled_by = np.where(known, who.active_until[owner], chunk.today - 1)
    settled = np.minimum(received + between(rng, 1, 60, total), settled_by)
    ids = chunk.counters.take("support.complaint", total)
    people = who.people[owner]
    stranger = join("complains{}@visitor.example", pl.Series(ids))
    return Batch(
        "support.complaint",
        pl.DataFrame(
            {
                "complaint_id": ids,
                "account_id": numbers(who.ids[owner], known),
                "complainant_name": people["name"],
                "complainant_email": pl.select(
                    pl.when(pl.Series(known))
                    .then(pl.lit(people["email"]))
                    .otherwise(pl.lit(stranger))
                ).to_series(),
                "postal_address": texts(
                    join("{}, {}", people["street"], people["city"]), rng.random(total) < 0.3
                ),
                "body": chunk.words("complaint", rng, total),
                "received_on": days(received),
                "settled_on": days(
                    settled, (rng.random(total) < 0.95) | (received < chunk.today - 90)
                ),
                "outcome": pl.Series(["apology", "refund", "rejected"]).gather(
                    rng.integers(0, 3, total)
                ),
            }
        ),
    )
