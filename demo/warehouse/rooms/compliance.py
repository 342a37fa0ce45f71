"""Identity proofs, disclosures, legal cases and the tokens that processors know us by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from demo.warehouse.chunk import DAY, Batch, Chunk, between, days, join, stamps, texts, tokens
from demo.warehouse.rooms.crm import Profiles


def make_rows(chunk: Chunk, who: Profiles) -> Iterator[Batch]:
    """Rows of the schema compliance."""
    yield _proofs(chunk, who)
    yield _disclosures(chunk, who)
    yield _cases(chunk, who)
    yield _processor_links(chunk, who)


def _proofs(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("compliance.identity_proof")
    index = np.flatnonzero(who.running & (rng.random(len(who.ids)) < 0.01))
    total = len(index)
    day = np.maximum(chunk.today - between(rng, 1, 45, total), who.opened[index])
    ids = chunk.counters.take("compliance.identity_proof", total)
    return Batch(
        "compliance.identity_proof",
        pl.DataFrame(
            {
                "proof_id": ids,
                "account_id": who.ids[index],
                "kind": pl.Series(["passport", "identity card"]).gather(rng.integers(0, 2, total)),
                "file_reference": join("proofs/{}.jpg.enc", pl.Series(ids)),
                "received_at": stamps(day * DAY + 30_000),
                "checked_at": stamps(day * DAY + 60_000, rng.random(total) < 0.9),
            }
        ),
    )


def _disclosures(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("compliance.disclosure")
    index = np.flatnonzero(rng.random(len(who.ids)) < 0.01)
    total = len(index)
    day = between(rng, who.opened[index], who.active_until[index], total)
    which = rng.integers(0, 4, total)
    told = rng.random(total) < 0.8
    return Batch(
        "compliance.disclosure",
        pl.DataFrame(
            {
                "disclosure_id": chunk.counters.take("compliance.disclosure", total),
                "account_id": who.ids[index],
                "recipient": chunk.pools.texts["recipient"].gather(which),
                "ground": chunk.pools.texts["ground"].gather(which),
                "data_categories": pl.Series(["{contact}", "{contact,payment}", "{logs}"]).gather(
                    rng.integers(0, 3, total)
                ),
                "disclosed_at": stamps(day * DAY + 45_000),
                "told_on": days(day, told),
                "not_told_why": texts(
                    pl.Series(["secrecy of the inquiry"] * total, dtype=pl.String), ~told
                ),
            }
        ),
    )


def _cases(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("compliance.legal_case")
    index = np.flatnonzero(rng.random(len(who.ids)) < 0.003)
    total = len(index)
    day = between(rng, who.opened[index], who.active_until[index], total)
    closed = between(rng, day, who.active_until[index], total)
    ids = chunk.counters.take("compliance.legal_case", total)
    return Batch(
        "compliance.legal_case",
        pl.DataFrame(
            {
                "case_id": ids,
                "account_id": who.ids[index],
                "reference": join("CASE-{}", pl.Series(ids)),
                "kind": pl.Series(["litigation", "recovery"]).gather(rng.integers(0, 2, total)),
                "owner_id": rng.integers(1, chunk.employees + 1, total),
                "opened_on": days(day),
                "closed_on": days(closed, rng.random(total) < 0.6),
                "review_on": days(
                    np.full(total, chunk.today, dtype=np.int64) + between(rng, 10, 180, total)
                ),
                "notes": texts(
                    pl.Series(["contests the last invoice"] * total, dtype=pl.String),
                    rng.random(total) < 0.5,
                ),
            }
        ),
    )


def _processor_links(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("compliance.processor_link")
    index = np.flatnonzero(who.paid)
    total = len(index)
    return Batch(
        "compliance.processor_link",
        pl.DataFrame(
            {
                "account_id": who.ids[index],
                "processor": pl.Series(["stripe", "paypal"]).gather(
                    rng.choice(2, total, p=(0.8, 0.2))
                ),
                "external_token": tokens(rng, total, 20, "cus_"),
                "created_at": stamps(who.opened[index] * DAY + 3_700),
            }
        ),
    )
