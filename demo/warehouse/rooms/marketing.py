"""Newsletter, consents, sends, contests and surveys: many people here have no account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

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

# Days from the as-of day to the end of each contest and survey.
CONTEST_ENDS = (-700, -290, -120, -60, -20, 30)
SURVEY_ENDS = (-900, -400, -180, -30, 45)


def make_fixed(as_of: date) -> Iterator[Batch]:
    """The contests and surveys themselves: nothing personal."""
    yield Batch(
        "marketing.contest",
        pl.DataFrame(
            {
                "contest_id": range(1, len(CONTEST_ENDS) + 1),
                "title": [
                    f"Win a year of ERP Team, round {n + 1}" for n in range(len(CONTEST_ENDS))
                ],
                "ends_on": [as_of + timedelta(days=end) for end in CONTEST_ENDS],
            }
        ),
    )
    yield Batch(
        "marketing.survey",
        pl.DataFrame(
            {
                "survey_id": range(1, len(SURVEY_ENDS) + 1),
                "title": [f"How do you like us? Wave {n + 1}" for n in range(len(SURVEY_ENDS))],
                "closes_on": [as_of + timedelta(days=end) for end in SURVEY_ENDS],
            }
        ),
    )


def make_rows(chunk: Chunk, who: Profiles) -> Iterator[Batch]:
    """Rows of the schema marketing."""
    rng = chunk.rng("marketing.consent")
    agreed = np.flatnonzero(rng.random(len(who.ids)) < 0.5)
    withdrawn = rng.random(len(agreed)) < 0.15
    given = between(rng, who.opened[agreed], who.active_until[agreed], len(agreed))
    ended = between(rng, given, who.active_until[agreed], len(agreed))
    yield _account_consents(chunk, who, agreed, given, ended, withdrawn)
    live = ~withdrawn
    yield _mail_events(chunk, who, agreed[live], given[live])
    yield from _readers(chunk, who)
    yield _suppressions(chunk, len(who.ids))
    yield _contest_entries(chunk, who)
    yield _survey_answers(chunk, who)


def _account_consents(
    chunk: Chunk, who: Profiles, index: Ints, given: Ints, ended: Ints, withdrawn: Bools
) -> Batch:
    rng = chunk.rng("marketing.consent of accounts")
    total = len(index)
    return Batch(
        "marketing.consent",
        pl.DataFrame(
            {
                "consent_id": chunk.counters.take("marketing.consent", total),
                "account_id": who.ids[index],
                "purpose": pl.Series(["newsletter", "offers"]).gather(rng.integers(0, 2, total)),
                "channel": pl.Series(["email", "sms", "phone"]).gather(
                    rng.choice(3, total, p=(0.8, 0.1, 0.1))
                ),
                "proof": tokens(rng, total, 16, "form:"),
                "given_at": stamps(given * DAY + 7_200),
                "withdrawn_at": stamps(ended * DAY + 50_000, withdrawn),
            }
        ),
    )


def _mail_events(chunk: Chunk, who: Profiles, agreed: Ints, given: Ints) -> Batch:
    rng = chunk.rng("marketing.mail_event")
    times = rng.binomial(6, 0.4, len(agreed))
    index = np.repeat(np.arange(len(agreed)), times)
    owner = agreed[index]
    total = len(owner)
    floor = np.maximum(given[index] + 1, chunk.today - 1_000)
    day = np.minimum(between(rng, floor, who.active_until[owner], total), who.active_until[owner])
    return Batch(
        "marketing.mail_event",
        pl.DataFrame(
            {
                "email": who.people["email"].gather(owner),
                "campaign": chunk.words("campaign", rng, total),
                "kind": chunk.words("mail_kind", rng, total),
                "happened_at": stamps(np.maximum(seconds(rng, day), (given[index] * DAY) + 7_300)),
            }
        ),
    )


def _readers(chunk: Chunk, who: Profiles) -> Iterator[Batch]:
    rng = chunk.rng("marketing.newsletter_reader")
    index = np.flatnonzero(rng.random(len(who.ids)) < 0.25)
    total = len(index)
    high = rng.integers(0, 1 << 63, (2, total), dtype=np.int64)
    ids = pl.Series([_uuid(int(a), int(b)) for a, b in high.T], dtype=pl.String)
    subscribed = chunk.today - between(rng, 20, 2_000, total)
    inactive = rng.random(total) < 0.05
    opened = np.where(
        inactive,
        subscribed,
        between(rng, np.maximum(subscribed, chunk.today - 900), chunk.today - 1, total),
    )
    left = rng.random(total) < 0.03
    left_on = between(rng, np.maximum(subscribed, chunk.today - 10), chunk.today - 1, total)
    is_customer = who.running[index] & (rng.random(total) < 0.2)
    stranger = join("reader{}@letters.example", pl.Series(chunk.counters.take("reader", total)))
    email = pl.select(
        pl.when(pl.Series(is_customer))
        .then(pl.lit(who.people["email"].gather(index)))
        .otherwise(pl.lit(stranger))
    ).to_series()
    left_at = stamps(left_on * DAY + 40_000, left)
    yield Batch(
        "marketing.newsletter_reader",
        pl.DataFrame(
            {
                "reader_id": ids,
                "email": email,
                "display_name": texts(
                    who.people["first_name"].gather(index), rng.random(total) < 0.6
                ),
                "language": pl.Series(["fr", "de", "en", "pt"]).gather(rng.integers(0, 4, total)),
                "source": pl.Series(["footer", "webinar", "order"]).gather(
                    rng.integers(0, 3, total)
                ),
                "subscribed_at": stamps(subscribed * DAY + 30_000),
                "unsubscribed_at": left_at,
                "last_opened_at": stamps(opened * DAY + 36_000, rng.random(total) < 0.9),
            }
        ),
    )
    yield Batch(
        "marketing.consent",
        pl.DataFrame(
            {
                "consent_id": chunk.counters.take("marketing.consent", total),
                "reader_id": ids,
                "purpose": pl.Series(["newsletter"] * total, dtype=pl.String),
                "channel": pl.Series(["email"] * total, dtype=pl.String),
                "proof": tokens(rng, total, 16, "optin:"),
                "given_at": stamps(subscribed * DAY + 30_000),
                "withdrawn_at": left_at,
            }
        ),
    )


def _uuid(high: int, low: int) -> str:
    text = f"{high << 1 & (1 << 64) - 1 | 1:016x}{low << 1 & (1 << 64) - 1 | 1:016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _suppressions(chunk: Chunk, count: int) -> Batch:
    rng = chunk.rng("marketing.suppression")
    total = int((rng.random(count) < 0.04).sum())
    return Batch(
        "marketing.suppression",
        pl.DataFrame(
            {
                "email_token": tokens(rng, total, 32, "psn:"),
                "reason": pl.Series(["unsubscribed", "bounced", "objected"]).gather(
                    rng.integers(0, 3, total)
                ),
                "since": days(chunk.today - between(rng, 1, 900, total)),
            }
        ),
    )


def _contest_entries(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("marketing.contest_entry")
    index = np.flatnonzero(rng.random(len(who.ids)) < 0.1)
    total = len(index)
    contest = rng.choice(len(CONTEST_ENDS), total, p=(0.02, 0.06, 0.2, 0.25, 0.25, 0.22))
    end = chunk.today + np.array(CONTEST_ENDS, dtype=np.int64)[contest]
    day = np.minimum(end - between(rng, 0, 40, total), chunk.today - 1)
    entry = chunk.counters.take("marketing.contest_entry", total)
    return Batch(
        "marketing.contest_entry",
        pl.DataFrame(
            {
                "contest_id": contest + 1,
                "entry_no": entry,
                "entrant_name": who.people["name"].gather(index),
                "email": join("plays{}@contest.example", pl.Series(entry)),
                "birth_date": days(chunk.today - between(rng, 20 * 366, 80 * 365, total)),
                "answer": pl.Series(["a", "b", "c"]).gather(rng.integers(0, 3, total)),
                "won": (rng.random(total) < 0.01) & (end < chunk.today),
                "entered_at": stamps(seconds(rng, day)),
            }
        ),
    )


def _survey_answers(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("marketing.survey_answer")
    index = np.flatnonzero(rng.random(len(who.ids)) < 0.12)
    total = len(index)
    survey = rng.choice(len(SURVEY_ENDS), total, p=(0.06, 0.2, 0.24, 0.3, 0.2))
    end = chunk.today + np.array(SURVEY_ENDS, dtype=np.int64)[survey]
    day = np.minimum(end - between(rng, 0, 25, total), chunk.today - 1)
    # An account answers only while it is a customer; the others answer without an account.
    known = who.running[index] & (who.opened[index] < day) & (rng.random(total) < 0.8)
    ids = chunk.counters.take("marketing.survey_answer", total)
    score = rng.integers(1, 11, total)
    stranger = join("answers{}@survey.example", pl.Series(ids))
    return Batch(
        "marketing.survey_answer",
        pl.DataFrame(
            {
                "answer_id": ids,
                "survey_id": survey + 1,
                "account_id": numbers(who.ids[index], known),
                "respondent_email": texts(stranger, ~known & (rng.random(total) < 0.7)),
                "score": score,
                "answers": join(
                    '{"recommend": {}, "remark": "{}"}',
                    pl.Series(score),
                    pl.Series(["fine", "too slow", "more training please"]).gather(
                        rng.integers(0, 3, total)
                    ),
                ),
                "answered_at": stamps(seconds(rng, day)),
            }
        ),
    )
