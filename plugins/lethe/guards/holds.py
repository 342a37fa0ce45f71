"""Legal holds and restrictions (GDPR Art. 18): laid on, released, listed, brought back.

Adding only ever stops an erasure, so the runner may do it; releasing is the approver's. The ledger
knows a subject by its token; the witness gets the whole entry sealed with a key of the ring, so
that a restore of the warehouse does not lift a hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg2
from psycopg2 import errorcodes, extensions, sql

from lethe.connections import Role, acting_as
from lethe.errors import (
    ConfigurationError,
    GuardStop,
    UsageError,
    WarehouseRefused,
    describe_database_error,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.witness import Witness, WitnessRecord, decode, encode
from lethe.guards.lookup import Key, array_text, copy_rows
from lethe.include import statement
from lethe.keys import KeyRing, Sealer, Tokens, year_of
from lethe.policy.model import Policy

Sort = Literal["hold", "restriction"]
TOKEN_PURPOSE = "token"  # noqa: S105 (the purpose of a key, no secret)
SEAL_PURPOSE = "hold"


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


def named_queries(policy: Policy, kind: str) -> set[str]:
    """Name the conditions of the policy on which a hold can be laid."""
    guards = policy.guards
    sections: tuple[Mapping[str, object], ...] = (
        {name: each for name, each in guards.risk_flags.items() if each.subject == kind},
        {name: each for name, each in guards.holds.items() if each.subject == kind},
        {name: each for name, each in guards.restrictions.items() if each.subject == kind},
    )
    return {name for section in sections for name in section}


def add_holds(
    connection: extensions.connection,
    wanted: Wanted,
    *,
    policy: Policy,
    keys: HoldKeys,
    witness: Witness | None,
    as_of: date,
) -> list[UUID]:
    """Lay a hold or restriction on subjects or on a named query, and commit.

    connection  of the runner; what it has not committed goes with this, or is rolled back
    Returns     one id a subject, or the one of the query
    """
    _require_sense(wanted, policy, as_of)
    targets: Sequence[Key | None] = wanted.keys or (None,)
    ids = [uuid4() for _ in targets]
    batch = EvidenceBatch(connection, None, witness)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("guards/lock_holds"))
        copy_rows(
            connection,
            f"guards/copy_{wanted.sort}",
            [_fields(wanted, each, key) for each, key in zip(ids, targets, strict=True)],
        )
        batch.add_rows(
            _ledger_row(wanted, each, key, keys) for each, key in zip(ids, targets, strict=True)
        )
        for each, key in zip(ids, targets, strict=True):
            batch.add_event(
                f"{wanted.sort}_added",
                {
                    "id": str(each),
                    "period": keys.period,
                    "sealed": encode(keys.sealer.seal(_payload(wanted, key), each.bytes)),
                },
            )
        batch.commit()
    except psycopg2.Error as error:
        connection.rollback()
        raise _refused(wanted.sort, "was not added", error) from None
    return ids


def release_hold(
    connection: extensions.connection,
    hold_id: UUID,
    *,
    by: str,
    why: str,
    witness: Witness | None,
    role: Role = "approver",
) -> Sort:
    """Release a hold or restriction and commit; the next sweep resumes by itself.

    connection  of the approver; begins a transaction of its own
    Raises      UsageError if nothing of that id is in force
    """
    if not by.strip() or not why.strip():
        raise UsageError("say who releases the hold and why")
    connection.rollback()
    acting_as(connection, role)
    try:
        sort, kind, query = _release(connection, hold_id, by, why)
        token = _find_token(connection, sort, hold_id)
        payload = {"id": str(hold_id), "subject_kind": kind, "query": query, "by": by}
        batch = EvidenceBatch(connection, None, witness)
        batch.add_rows([LedgerRow(f"{sort}_released", payload, *token)])
        batch.add_event(f"{sort}_released", {"id": str(hold_id), "by": by})
        batch.commit()
    except psycopg2.Error as error:
        connection.rollback()
        raise _refused("hold", "was not released", error) from None
    except UsageError:
        connection.rollback()
        raise
    return sort


def list_holds(connection: extensions.connection, *, released: bool = False) -> list[Hold]:
    """List holds and restrictions, those to review first; `released`: also what has ended."""
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/list_holds"), {"released": released})
        rows = cursor.fetchall()
    return [_hold(row) for row in rows]


def lost_queries(connection: extensions.connection, policy: Policy) -> list[tuple[Sort, str, str]]:
    """Name the (sort, kind, query) of holds in force whose query this policy does not have.

    Such a hold would protect nobody: rules of that kind must not run.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/list_query_holds"))
        rows = cursor.fetchall()
    return [row for row in rows if row[2] not in named_queries(policy, row[1])]


def require_queries(connection: extensions.connection, policy: Policy, kind: str) -> None:
    """Stop the rules of a kind of subject while a hold on it names a query that is not there.

    Raises  GuardStop with the way out
    """
    lost = [(sort, query) for sort, of, query in lost_queries(connection, policy) if of == kind]
    if lost:
        named = ", ".join(f"{sort} on '{query}'" for sort, query in lost)
        raise GuardStop(
            f"in force on {kind}: {named}, and this edition of the policy has no such query; "
            "put it back under guards, or release the hold"
        )


def restore_holds(
    connection: extensions.connection, ring: KeyRing, records: Iterable[WitnessRecord]
) -> tuple[int, int]:
    """Put back the holds that a restored warehouse has lost, and end those that had ended.

    connection  of the runner; the caller commits. Ended ones are put back as held if the runner
                may not release them: a person looks at them again
    records     lost batches, oldest first, as `lost_batches` gives them
    Returns     (put back, of them ended since: these are not put back)
    """
    added: dict[UUID, tuple[Sort, dict[str, object]]] = {}
    ended = 0
    for record in records:
        for event in record.body.get("events", ()):
            sort, _, verb = event["kind"].partition("_")
            if sort not in ("hold", "restriction"):
                continue
            body = event["body"]
            hold_id = UUID(body["id"])
            if verb == "added":
                sealer = ring.sealer(SEAL_PURPOSE, body["period"])
                added[hold_id] = (
                    sort,
                    json.loads(sealer.open(decode(body["sealed"]), hold_id.bytes)),
                )
            elif verb == "released" and added.pop(hold_id, None) is not None:
                ended += 1
    there = {hold.hold_id for hold in list_holds(connection, released=True)}
    back = 0
    for hold_id, (sort, entry) in added.items():
        if hold_id not in there:
            wanted, key = _read_payload(sort, entry)
            back += copy_rows(connection, f"guards/copy_{sort}", [_fields(wanted, hold_id, key)])
    return back, ended


def _require_sense(wanted: Wanted, policy: Policy, as_of: date) -> None:
    if bool(wanted.keys) == bool(wanted.query):
        raise UsageError("a hold is laid on subjects or on a query: say one of them")
    for name in ("reason", "owner", "by"):
        if not getattr(wanted, name).strip():
            raise UsageError(f"a hold needs {'who adds it' if name == 'by' else name}")
    if wanted.kind not in policy.subjects:
        raise UsageError(
            f"the policy has no subject '{wanted.kind}'; it has: {', '.join(policy.subjects)}"
        )
    known = named_queries(policy, wanted.kind)
    if wanted.query and wanted.query not in known:
        raise UsageError(
            f"the policy names no query '{wanted.query}' for '{wanted.kind}' (under guards: holds, "
            f"restrictions, risk_flags); it has: {', '.join(sorted(known)) or 'none'}"
        )
    if wanted.review_on <= as_of:
        raise UsageError(f"the review date {wanted.review_on} has passed; name a later day")


def _hold(row: Sequence[Any]) -> Hold:
    fields = list(row)
    fields[0] = UUID(str(row[0]))
    fields[4] = None if row[4] is None else bytes(row[4])
    return Hold(*fields)


def _fields(wanted: Wanted, hold_id: UUID, key: Key | None) -> tuple[str | UUID | date | None, ...]:
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
    )


def _ledger_row(wanted: Wanted, hold_id: UUID, key: Key | None, keys: HoldKeys) -> LedgerRow:
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


def _payload(wanted: Wanted, key: Key | None) -> bytes:
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
    }
    return json.dumps(entry).encode()


def _read_payload(sort: Sort, entry: Mapping[str, object]) -> tuple[Wanted, Key | None]:
    def text(name: str) -> str:
        return str(entry[name])

    key = entry["key"]
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
    )
    return wanted, tuple(key) if isinstance(key, list) else None


def _release(
    connection: extensions.connection, hold_id: UUID, by: str, why: str
) -> tuple[Sort, str, str | None]:
    sorts: tuple[Sort, ...] = ("hold", "restriction")
    with connection.cursor() as cursor:
        for sort in sorts:
            cursor.execute(
                statement(
                    "guards/release_hold",
                    list=sql.Identifier(sort),
                    id=sql.Identifier(f"{sort}_id"),
                ),
                {"id": str(hold_id), "by": by, "why": why},
            )
            row = cursor.fetchone()
            if row is not None:
                return sort, row[0], row[1]
    raise UsageError(f"no hold or restriction {hold_id} is in force; see `lethe hold list`")


def _find_token(
    connection: extensions.connection, sort: Sort, hold_id: UUID
) -> tuple[bytes | None, UUID | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement("guards/find_hold_token"), {"kind": f"{sort}_added", "id": str(hold_id)}
        )
        row = cursor.fetchone()
    if row is None or row[0] is None:
        return None, None
    return bytes(row[0]), UUID(str(row[1]))


def _refused(sort: str, what: str, error: psycopg2.Error) -> ConfigurationError | WarehouseRefused:
    if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
        return ConfigurationError(
            f"the {sort} {what}: this user may not ({describe_database_error(error)}); holds are "
            "added by the runner and released by the approver (connection 'lethe_approver')"
        )
    return WarehouseRefused(f"the {sort} {what}: {describe_database_error(error)}", error.pgcode)
