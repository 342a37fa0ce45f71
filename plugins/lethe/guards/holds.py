"""Legal holds and restrictions (GDPR Art. 18): laid on, released, listed, brought back.

Adding only ever stops an erasure, so the runner may do it; releasing is the approver's. The ledger
knows a subject by its token; the witness gets the whole entry sealed with a key of the ring, so
that a restore of the warehouse does not lift a hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import psycopg2
from psycopg2 import errorcodes, extensions, sql

from lethe.catalogue.graph import Graph
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
from lethe.guards.hold_entries import (
    LOG_PERIOD,
    SEAL_PURPOSE,
    Hold,
    HoldKeys,
    Sort,
    Wanted,
    fields_of,
    hold_of,
    ledger_row,
    payload_of,
    read_payload,
)
from lethe.guards.lookup import Key, copy_rows
from lethe.guards.unfit_holds import key_of, say_unfit, uncast_holds, unfit_holds
from lethe.include import statement
from lethe.keys import KeyRing
from lethe.policy.model import Policy


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
    if wanted.kind in policy.subjects:
        wanted = replace(wanted, key_of=key_of(policy.subjects[wanted.kind]))
    targets: Sequence[Key | None] = wanted.keys or (None,)
    ids = [uuid4() for _ in targets]
    batch = EvidenceBatch(connection, None, witness)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("guards/lock_holds"))
        copy_rows(
            connection,
            f"guards/copy_{wanted.sort}",
            [fields_of(wanted, each, key) for each, key in zip(ids, targets, strict=True)],
        )
        batch.add_rows(
            ledger_row(wanted, each, key, keys) for each, key in zip(ids, targets, strict=True)
        )
        for each, key in zip(ids, targets, strict=True):
            batch.add_event(
                f"{wanted.sort}_added",
                {
                    "id": str(each),
                    "period": keys.period,
                    "sealed": encode(keys.sealer.seal(payload_of(wanted, key), each.bytes)),
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
    return [hold_of(row) for row in rows]


def lost_queries(connection: extensions.connection, policy: Policy) -> list[tuple[Sort, str, str]]:
    """Name the (sort, kind, query) of holds in force whose query this policy does not have.

    Such a hold would protect nobody: rules of that kind must not run.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/list_query_holds"))
        rows = cursor.fetchall()
    return [row for row in rows if row[2] not in named_queries(policy, row[1])]


def require_force(
    connection: extensions.connection, policy: Policy, kind: str, graph: Graph | None = None
) -> None:
    """Stop the rules of a kind of subject while a hold on it has no force: it names a query or a
    key that this edition does not have.

    graph   with it, keys are tried against the types of their columns too
    Raises  GuardStop with the way out
    """
    lost = [(sort, query) for sort, of, query in lost_queries(connection, policy) if of == kind]
    if lost:
        named = ", ".join(f"{sort} on '{query}'" for sort, query in lost)
        raise GuardStop(
            f"in force on {kind}: {named}, and this edition of the policy has no such query; "
            "put it back under guards, or release the hold"
        )
    unfit = unfit_holds(connection, policy)
    if graph is not None:
        unfit += uncast_holds(connection, graph.kinds[kind], unfit)
    if stops := [each for each in unfit if each.stops(kind, policy)]:
        raise GuardStop("; ".join(say_unfit(stops)))


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
            wanted, key = read_payload(sort, entry)
            back += copy_rows(connection, f"guards/copy_{sort}", [fields_of(wanted, hold_id, key)])
    return back, ended


def _require_sense(wanted: Wanted, policy: Policy, as_of: date) -> None:
    if bool(wanted.keys) == bool(wanted.query):
        raise UsageError("a hold is laid on subjects or on a query: say one of them")
    for name in ("reason", "owner", "by"):
        if not getattr(wanted, name).strip():
            raise UsageError(f"a hold needs {'who adds it' if name == 'by' else name}")
    if wanted.kind not in (*policy.subjects, LOG_PERIOD):
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
