"""Entries of holds and restrictions: as asked for, as a row, on the ledger, and sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from lethe.evidence.ledger import LedgerRow
from lethe.guards.lookup import Key, array_text
from lethe.keys import KeyRing, Sealer, Tokens, year_of

Sort = Literal["hold", "restriction"]


TOKEN_PURPOSE = "token"  # noqa: S105 (the purpose of a key, no secret)


SEAL_PURPOSE = "hold"
LOG_PERIOD = "log:period"
"""A hold on a month of logs keeps its key; no key of a policy is like this name."""


@dataclass(frozen=True, slots=True)
class HoldKeys:
    """The keys that holds need: tokens for the ledger, a seal for the witness."""

    tokens: Tokens
    sealer: Sealer
    period: str

    @classmethod
    def of(cls, ring: KeyRing, as_of: date) -> HoldKeys:
        """Take or make the keys of a year; the caller commits before they are used."""
        year = year_of(as_of)
        return cls(
            ring.tokens(TOKEN_PURPOSE, year, create=True),
            ring.sealer(SEAL_PURPOSE, year, create=True),
            year,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hold or restriction that somebody asks for.

    keys   subjects, in PostgreSQL's text form; or
    query  a named condition of the policy
    key_of table and key columns of the kind, as `key_of` tells; None: of an older Lethe
    """

    sort: Sort
    kind: str
    reason: str
    owner: str
    review_on: date
    by: str
    keys: tuple[Key, ...] = ()
    query: str | None = None
    source: str = "hand"
    request_id: UUID | None = None
    key_of: Key | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold or restriction as the list shows it: a token instead of a key."""

    hold_id: UUID
    sort: Sort
    kind: str
    query: str | None
    token: bytes | None
    reason: str
    owner: str
    review_on: date
    created_at: datetime
    created_by: str
    released_at: datetime | None
    released_by: str | None

    def is_overdue(self, as_of: date) -> bool:
        """In force although its review date has passed."""
        return self.released_at is None and self.review_on < as_of


def hold_of(row: Sequence[Any]) -> Hold:
    fields = list(row)
    fields[0] = UUID(str(row[0]))
    fields[4] = None if row[4] is None else bytes(row[4])
    return Hold(*fields)


def fields_of(
    wanted: Wanted, hold_id: UUID, key: Key | None
) -> tuple[str | UUID | date | None, ...]:
    own: str | UUID | None = wanted.source if wanted.sort == "hold" else wanted.request_id
    return (
        hold_id,
        wanted.kind,
        None if key is None else array_text(key),
        wanted.query,
        wanted.reason,
        wanted.owner,
        wanted.review_on,
        own,
        wanted.by,
        None if wanted.key_of is None else array_text(wanted.key_of),
    )


def ledger_row(wanted: Wanted, hold_id: UUID, key: Key | None, keys: HoldKeys) -> LedgerRow:
    # The reason is free text and may name somebody: it stays in lethe.hold.
    payload = {
        "id": str(hold_id),
        "subject_kind": wanted.kind,
        "query": wanted.query,
        "owner": wanted.owner,
        "review_on": wanted.review_on.isoformat(),
        "by": wanted.by,
    }
    if key is None:
        return LedgerRow(f"{wanted.sort}_added", payload)
    token = keys.tokens.subjects(wanted.kind, [key])[0]
    return LedgerRow(f"{wanted.sort}_added", payload, token, keys.tokens.key_id)


def payload_of(wanted: Wanted, key: Key | None) -> bytes:
    entry = {
        "kind": wanted.kind,
        "key": key,
        "query": wanted.query,
        "reason": wanted.reason,
        "owner": wanted.owner,
        "review_on": wanted.review_on.isoformat(),
        "by": wanted.by,
        "source": wanted.source,
        "request_id": None if wanted.request_id is None else str(wanted.request_id),
        "key_of": wanted.key_of,
    }
    return json.dumps(entry).encode()


def read_payload(sort: Sort, entry: Mapping[str, object]) -> tuple[Wanted, Key | None]:
    def text(name: str) -> str:
        return str(entry[name])

    key, of = entry["key"], entry.get("key_of")
    wanted = Wanted(
        sort,
        text("kind"),
        text("reason"),
        text("owner"),
        date.fromisoformat(text("review_on")),
        text("by"),
        query=None if entry["query"] is None else text("query"),
        source=text("source"),
        request_id=None if entry["request_id"] is None else UUID(text("request_id")),
        key_of=tuple(of) if isinstance(of, list) else None,
    )
    return wanted, tuple(key) if isinstance(key, list) else None
