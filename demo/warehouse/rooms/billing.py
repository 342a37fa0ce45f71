"""Invoices, what was paid and how; never a full card number or IBAN."""

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
    last_four,
    numbers,
    stamps,
    texts,
    tokens,
)
from demo.warehouse.rooms.commerce import Orders
from demo.warehouse.rooms.crm import Profiles

CREDITOR = "LU10ZZZ0000000000000009999"
CARD, SEPA, PAYPAL, TRANSFER = range(4)
_KINDS = pl.Series(["card", "sepa", "paypal", "transfer"])


def make_rows(chunk: Chunk, who: Profiles, orders: Orders) -> Iterator[Batch]:
    """Rows of the schema billing."""
    rng = chunk.rng("billing")
    count = len(who.ids)
    kind = rng.choice(4, count, p=(0.45, 0.3, 0.2, 0.05)).astype(np.int64)
    yield _mandates(chunk, who, who.paid & (kind == SEPA))
    yield _methods(chunk, who, kind)
    yield _tax_documents(chunk, who)
    yield from _invoices(chunk, who, orders, kind)


def _mandates(chunk: Chunk, who: Profiles, where: Bools) -> Batch:
    rng = chunk.rng("billing.sepa_mandate")
    index = np.flatnonzero(where)
    total = len(index)
    stopped = ~who.running[index]
    return Batch(
        "billing.sepa_mandate",
        pl.DataFrame(
            {
                "account_id": who.ids[index],
                "mandate_no": np.ones(total, dtype=np.int64),
                "reference": tokens(rng, total, 24, "psn:"),
                "signed_on": days(who.opened[index]),
                "creditor": pl.Series([CREDITOR] * total, dtype=pl.String),
                "last_four": last_four(rng, total),
                "revoked_on": days(who.active_until[index], stopped),
            }
        ),
    )


def _methods(chunk: Chunk, who: Profiles, kinds: Ints) -> Batch:
    rng = chunk.rng("billing.payment_method")
    index = np.flatnonzero(who.paid)
    total = len(index)
    kind = kinds[index]
    card = kind == CARD
    return Batch(
        "billing.payment_method",
        pl.DataFrame(
            {
                "method_id": chunk.counters.take("billing.payment_method", total),
                "account_id": who.ids[index],
                "kind": _KINDS.gather(kind),
                "card_brand": texts(
                    pl.Series(["visa", "mastercard"]).gather(rng.integers(0, 2, total)), card
                ),
                "card_last_four": texts(last_four(rng, total), card),
                "card_expires_on": days(
                    who.active_until[index] + between(rng, 30, 900, total), card
                ),
                "paypal_reference": texts(tokens(rng, total, 13, "PP-"), kind == PAYPAL),
                "provider_token": texts(tokens(rng, total, 20, "pm_"), kind != TRANSFER),
                "mandate_no": numbers(np.ones(total, dtype=np.int64), kind == SEPA),
                "added_at": stamps(who.opened[index] * DAY + 3_600),
            }
        ),
    )


def _tax_documents(chunk: Chunk, who: Profiles) -> Batch:
    rng = chunk.rng("billing.tax_document")
    index = np.flatnonzero(who.paid & (rng.random(len(who.ids)) < 0.15))
    total = len(index)
    kind = rng.integers(0, 3, total)
    issued = who.opened[index]
    ids = chunk.counters.take("billing.tax_document", total)
    return Batch(
        "billing.tax_document",
        pl.DataFrame(
            {
                "tax_document_id": ids,
                "account_id": who.ids[index],
                "kind": pl.Series(["tax id", "government id", "exemption certificate"]).gather(
                    kind
                ),
                "value_encrypted": tokens(rng, total, 44, "enc:v1:"),
                "file_reference": texts(join("tax/{}.pdf.enc", pl.Series(ids)), kind == 2),
                "issued_on": days(issued),
                "valid_until": days(issued + 1_095, kind == 2),
            }
        ),
    )


def _invoices(chunk: Chunk, who: Profiles, orders: Orders, kinds: Ints) -> Iterator[Batch]:
    rng = chunk.rng("billing.invoice")
    billed = np.flatnonzero(who.paid[orders.owner])
    times = 1 + rng.binomial(4, 0.35, len(billed))
    order = np.repeat(billed, times)
    owner = orders.owner[order]
    total = len(order)
    first = np.r_[True, order[1:] != order[:-1]] if total else np.zeros(0, dtype=bool)
    until = who.active_until[owner]
    issued = np.where(
        first, np.minimum(orders.day[order], until), between(rng, orders.day[order], until, total)
    )
    draft = (rng.random(total) < 0.01) & who.running[owner] & ~first
    # Nobody was lost to a debt that long ago; the unpaid due account is a named case.
    paid = ~draft & ((rng.random(total) < 0.96) | ~who.running[owner])
    paid_on = np.minimum(issued + between(rng, 0, 20, total), until)
    people = who.people[owner]
    net = orders.net_cents[order]
    vat = net * people["vat_percent"].to_numpy().astype(np.int64) // 100
    ids = chunk.counters.take("billing.invoice", total)
    issued_on = days(issued, ~draft)
    number = join("INV-{}-{}", days(issued).dt.year(), pl.Series(ids).cast(pl.String).str.zfill(8))
    yield Batch(
        "billing.invoice",
        pl.DataFrame(
            {
                "invoice_id": ids,
                "invoice_number": texts(number, ~draft),
                "account_id": who.ids[owner],
                "order_id": orders.ids[order],
                "state": pl.Series(["issued", "draft"]).gather(draft.astype(np.int64)),
                "issued_on": issued_on,
                "due_on": days(issued + 30, ~draft),
                "paid_on": days(paid_on, paid),
                "currency": people["currency"],
                "net_cents": net,
                "vat_cents": vat,
                "bill_to_name": people["name"],
                "bill_to_company": people["company"],
                "bill_to_email": people["email"],
                "bill_to_street": people["street"],
                "bill_to_postcode": people["postcode"],
                "bill_to_city": people["city"],
                "bill_to_country": people["country"],
                "bill_to_vat": people["vat_number"],
            }
        ),
    )
    yield _lines(chunk, ids, net)
    yield _payments(chunk, who, ids, owner, kinds[owner], paid, paid_on, net + vat)
    yield _credit_notes(chunk, ids, issued, paid, until, net, vat)
    yield _reminders(chunk, who, owner, number, np.where(draft, until + 1, issued + 35), until)


def _lines(chunk: Chunk, ids: Ints, net: Ints) -> Batch:
    rng = chunk.rng("billing.invoice_line")
    two = np.flatnonzero(rng.random(len(ids)) < 0.5)
    second = net[two] * 3 // 10
    first = net.copy()
    first[two] -= second
    return Batch(
        "billing.invoice_line",
        pl.DataFrame(
            {
                "invoice_id": np.concatenate([ids, ids[two]]),
                "line_no": np.concatenate([np.ones_like(ids), np.full_like(two, 2)]),
                "description": pl.Series(
                    ["Subscription"] * len(ids) + ["Additional users"] * len(two), dtype=pl.String
                ),
                "quantity": np.ones(len(ids) + len(two), dtype=np.int64),
                "net_cents": np.concatenate([first, second]),
            }
        ),
    )


def _payments(
    chunk: Chunk,
    who: Profiles,
    invoices: Ints,
    owner: Ints,
    kinds: Ints,
    paid: Bools,
    paid_on: Ints,
    amount: Ints,
) -> Batch:
    rng = chunk.rng("billing.payment")
    index = np.flatnonzero(paid)
    total = len(index)
    kind = kinds[index]
    return Batch(
        "billing.payment",
        pl.DataFrame(
            {
                "payment_id": chunk.counters.take("billing.payment", total),
                "invoice_id": invoices[index],
                "account_id": who.ids[owner[index]],
                "kind": _KINDS.gather(kind),
                "paid_at": stamps(paid_on[index] * DAY + rng.integers(0, DAY // 2, total)),
                "amount_cents": amount[index],
                "card_last_four": texts(last_four(rng, total), kind == CARD),
                "paypal_reference": texts(tokens(rng, total, 13, "PP-"), kind == PAYPAL),
                "mandate_no": numbers(np.ones(total, dtype=np.int64), kind == SEPA),
                "payer_name": who.people["name"].gather(owner[index]),
            }
        ),
    )


def _credit_notes(
    chunk: Chunk, invoices: Ints, issued: Ints, paid: Bools, until: Ints, net: Ints, vat: Ints
) -> Batch:
    rng = chunk.rng("billing.credit_note")
    index = np.flatnonzero(paid & (rng.random(len(invoices)) < 0.03))
    total = len(index)
    ids = chunk.counters.take("billing.credit_note", total)
    day = between(rng, issued[index], until[index], total)
    return Batch(
        "billing.credit_note",
        pl.DataFrame(
            {
                "credit_note_id": ids,
                "number": join(
                    "CN-{}-{}", days(day).dt.year(), pl.Series(ids).cast(pl.String).str.zfill(8)
                ),
                "invoice_id": invoices[index],
                "issued_on": days(day),
                "net_cents": net[index],
                "vat_cents": vat[index],
                "reason": pl.Series(["charged twice", "goodwill", "wrong VAT rate"]).gather(
                    rng.integers(0, 3, total)
                ),
            }
        ),
    )


def _reminders(
    chunk: Chunk, who: Profiles, owner: Ints, number: pl.Series, sent: Ints, until: Ints
) -> Batch:
    rng = chunk.rng("billing.reminder")
    index = np.flatnonzero((rng.random(len(owner)) < 0.06) & (sent <= until))
    total = len(index)
    ids = chunk.counters.take("billing.reminder", total)
    return Batch(
        "billing.reminder",
        pl.DataFrame(
            {
                "reminder_id": ids,
                "account_number": who.number(owner[index]),
                "invoice_number": number.gather(index),
                "level": rng.integers(1, 4, total),
                "sent_on": days(sent[index]),
                "addressee": who.people["name"].gather(owner[index]),
                "file_reference": join("reminders/{}.pdf", pl.Series(ids)),
            }
        ),
    )
