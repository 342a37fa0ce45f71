"""Holds and restrictions that an edition of the policy leaves without force.

A hold names its subject by the key of its kind. An edition that gives the kind another key, another
table or another name, or a column another type, leaves the hold in the list and nobody held by it:
the rules of that kind must not run before somebody has laid it anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.fragments import all_of
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.ways import written_key
from lethe.guards.editions import Edition, policy_of, read_editions
from lethe.guards.hold_entries import LOG_PERIOD, Sort
from lethe.guards.lookup import Key
from lethe.include import statement
from lethe.policy.model import Policy
from lethe.policy.model.subjects import Subject
from lethe.policy.names import quoted

_NAMED = 5


@dataclass(frozen=True, slots=True)
class UnfitHold:
    """A hold or restriction in force that protects nobody.

    why  what does not fit, without any value
    """

    sort: Sort
    hold_id: UUID
    kind: str
    owner: str
    why: str

    def stops(self, kind: str, policy: Policy) -> bool:
        """Whom a kind that is gone named may be under any rule now."""
        return self.kind == kind or self.kind not in policy.subjects


def key_of(subject: Subject) -> Key:
    """What the key of a kind of subject names: its table (empty: a query) and its columns."""
    return (str(subject.table or ""), *subject.key)


def unfit_holds(connection: extensions.connection, policy: Policy) -> list[UnfitHold]:
    """Find the holds in force that were laid under another key than their kind has today.

    connection  of any role that may see holds; keys themselves are not read
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("guards/list_key_holds"))
        rows = cursor.fetchall()
    keys = {name: key_of(subject) for name, subject in policy.subjects.items()}
    seen: Sequence[Edition] | None = None
    found = []
    for sort, hold_id, kind, query, owner, created_at, parts, of in rows:
        if kind == LOG_PERIOD or (kind in keys and (query or (of and tuple(of) == keys[kind]))):
            continue
        if seen is None:
            seen = read_editions(connection).seen
        why = _misfit(policy, seen, kind, (query, parts, of, created_at))
        if why:
            found.append(UnfitHold(sort, UUID(str(hold_id)), kind, owner, why))
    return found


def uncast_holds(
    connection: extensions.connection, kind: Kind, known: Sequence[UnfitHold] = ()
) -> list[UnfitHold]:
    """Find the holds on a kind whose key has no value of its columns' types.

    connection  in a transaction, which goes on; of a role that may read keys
    known       those that are left out: their keys do not fit anyway
    """
    left_out = {str(each.hold_id) for each in known}
    types = ", ".join(f"{name} {each}" for name, each in zip(kind.key, kind.types, strict=True))
    why = f"a part of its key is no value of ({types})"
    return [
        UnfitHold(sort, UUID(hold_id), kind.name, owner, why)
        for sort in _SORTS
        for hold_id, owner in _uncast(connection, kind, sort, left_out)
    ]


def open_misfits(connection: extensions.connection, graph: Graph) -> list[UnfitHold]:
    """Find all that `unfit_holds` and `uncast_holds` find, of every kind of subject."""
    found = unfit_holds(connection, graph.policy)
    return [
        *found,
        *(each for kind in graph.kinds.values() for each in uncast_holds(connection, kind, found)),
    ]


_SORTS: tuple[Sort, ...] = ("hold", "restriction")


def say_unfit(found: Sequence[UnfitHold]) -> Iterator[str]:
    """Say which holds have no force, why, and what to do, a sentence a kind and reason."""
    for kind, why in dict.fromkeys((each.kind, each.why) for each in found):
        of = [each for each in found if (each.kind, each.why) == (kind, why)]
        named = ", ".join(
            f"{each.sort} {each.hold_id} (owner {each.owner})" for each in of[:_NAMED]
        )
        more = f" and {len(of) - _NAMED} more" if len(of) > _NAMED else ""
        yield (
            f"in force on {kind} and without effect: {named}{more}: {why}; release it (`lethe hold "
            "release`) and add it again under the key of today, or put the old key back"
        )


def _misfit(
    policy: Policy,
    seen: Sequence[Edition],
    kind: str,
    row: tuple[str | None, int | None, Sequence[str] | None, datetime],
) -> str | None:
    query, parts, of, created_at = row
    subject = policy.subjects.get(kind)
    if subject is None:
        if _is_of_another(policy, seen, kind):
            return None
        return "this edition of the policy has no such kind of subject"
    if query:
        return None
    now = key_of(subject)
    was = tuple(of) if of else _key_then(policy, seen, kind, created_at)
    if was is not None and was != now:
        return f"laid under the key {_say_key(was)}, which is {_say_key(now)} now"
    if parts != len(now) - 1:
        return f"its key has {parts} parts, and the key is {_say_key(now)} now"
    return None


def _is_of_another(policy: Policy, seen: Sequence[Edition], kind: str) -> bool:
    """Another policy of this warehouse has the kind, and looks after its holds."""
    latest = {each.name: each for each in seen if each.name != policy.policy.name}
    others = (policy_of(each) for each in latest.values())
    return any(other is not None and kind in other.subjects for other in others)


def _key_then(
    policy: Policy, seen: Sequence[Edition], kind: str, created_at: datetime
) -> Key | None:
    """The key by the edition of the day on which an older Lethe laid a hold, where one tells it."""
    own = [each for each in seen if each.name == policy.policy.name]
    before = [
        each
        for each in own
        if each.first_seen_at <= created_at
        and (each.effective_from is None or each.effective_from <= created_at.date())
    ]
    then = policy_of(max(before, key=_begun) if before else own[0] if own else None)
    subject = then.subjects.get(kind) if then else None
    return key_of(subject) if subject else None


def _begun(edition: Edition) -> tuple[date, datetime]:
    return edition.effective_from or date.min, edition.first_seen_at


def _say_key(key: Key) -> str:
    return f"{key[0] or 'query'} ({', '.join(key[1:])})"


def _uncast(
    connection: extensions.connection, kind: Kind, sort: Sort, left_out: set[str]
) -> list[tuple[str, str]]:
    names = {"table": quoted(sort), "id": quoted(f"{sort}_id")}
    open_ones = sql.SQL(
        "SELECT {id}::text, owner FROM lethe.{table} WHERE subject_kind = %(kind)s"
        " AND key_parts = %(parts)s AND released_at IS NULL"
    ).format(**names)
    cast = sql.SQL(
        "SELECT bool_and({whole}) FROM lethe.{table} AS h WHERE h.{id} = ANY(%(ids)s::uuid[])"
    ).format(
        **names,
        whole=all_of(
            [sql.SQL("{} IS NOT NULL").format(part) for part in written_key(kind, sql.SQL("h.key"))]
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(open_ones, {"kind": kind.name, "parts": len(kind.key)})
        rows = [(str(row[0]), str(row[1])) for row in cursor.fetchall()]
        rows = [row for row in rows if row[0] not in left_out]
        if not rows or _casts(cursor, cast, [hold_id for hold_id, _ in rows]):
            return []
        return [row for row in rows if not _casts(cursor, cast, [row[0]])]


def _casts(cursor: extensions.cursor, cast: sql.Composed, ids: Sequence[str]) -> bool:
    values: dict[str, Any] = {"ids": list(ids)}
    cursor.execute("SAVEPOINT lethe_cast")
    try:
        cursor.execute(cast, values)
        row = cursor.fetchone()
    except psycopg2.DataError:
        cursor.execute("ROLLBACK TO SAVEPOINT lethe_cast")
        return False
    return row == (True,)
