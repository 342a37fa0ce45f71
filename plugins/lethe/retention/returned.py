"""The restore guard: who was erased and is there again.

Live rows are compared with the tombstones, keyed, in one pass a kind of subject. A row is somebody
who was erased only if its table key and a natural identifier both match. A key alone is a number
that was used again; an identifier alone is a person who came back of their own will. Both of these
are counted and left in peace; skeletons are no matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from psycopg2 import extensions, sql

from lethe.catalogue.fragments import column, comma, key_text
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.ways import is_written
from lethe.erasure.record import normalised
from lethe.guards.findings import Found
from lethe.include import statement
from lethe.keys import KeyRing, Tokens

_PAGE = 5_000
Key = tuple[str, ...]


@dataclass(slots=True)
class Returned:
    """What comparing one kind of subject with its tombstones gave.

    restored         keys of those who were erased and are there again
    same_identifier  people who came back under another key
    same_key         keys that are in use again by others
    found            these two, each by its token
    """

    kind: str
    restored: set[Key] = field(default_factory=set)
    same_identifier: int = 0
    same_key: int = 0
    found: set[Found] = field(default_factory=set)


@dataclass(slots=True)
class _Stones:
    """Tombstones of a kind: by key, and identifiers by the subject that they belong to."""

    keys: dict[UUID, set[bytes]] = field(default_factory=dict)
    identifiers: dict[bytes, set[bytes]] = field(default_factory=dict)


def find_returned(connection: extensions.connection, graph: Graph, ring: KeyRing) -> list[Returned]:
    """Compare every kind of subject that has tombstones with what is there.

    connection  in a transaction of the runner
    """
    makers = _makers(ring)
    found = []
    for kind in graph.kinds.values():
        if kind.table is None:
            continue
        stones = _read_stones(connection, kind.name)
        if stones.keys:
            found.append(_compare(connection, kind, stones, makers))
    return found


def summary_of(returned: Iterable[Returned]) -> dict[str, dict[str, int]]:
    """Counts of a comparison, for reports."""
    return {
        each.kind: {
            "restored": len(each.restored),
            "same_identifier": each.same_identifier,
            "same_key": each.same_key,
        }
        for each in returned
    }


def _makers(ring: KeyRing) -> dict[UUID, Tokens]:
    """The makers of tombstones, by key; a destroyed key's tombstones match nothing any more."""
    return {
        record.key_id: ring.tokens("tombstone", record.period)
        for record in ring.list()
        if record.purpose == "tombstone" and record.destroyed_at is None
    }


def _read_stones(connection: extensions.connection, kind: str) -> _Stones:
    stones = _Stones()
    with connection.cursor() as cursor:
        cursor.execute(statement("retention/list_tombstones"), {"subject_kind": kind})
        for token, sort, key_id, _, subject in cursor:
            if sort == "table_key":
                stones.keys.setdefault(UUID(str(key_id)), set()).add(bytes(token))
            else:
                stones.identifiers.setdefault(bytes(token), set()).add(bytes(subject))
    return stones


def _compare(
    connection: extensions.connection, kind: Kind, stones: _Stones, makers: dict[UUID, Tokens]
) -> Returned:
    returned = Returned(kind.name)
    for page in _live(connection, kind):
        for key_id, buried in stones.keys.items():
            if key_id in makers:
                _match(kind, page, (key_id, makers[key_id]), buried, stones.identifiers, returned)
    return returned


def _match(
    kind: Kind,
    page: Sequence[Sequence[object]],
    maker: tuple[UUID, Tokens],
    buried: set[bytes],
    identifiers: dict[bytes, set[bytes]],
    returned: Returned,
) -> None:
    key_id, tokens = maker
    keys: list[Key] = [tuple(row[0]) for row in page]  # type: ignore[arg-type]
    subjects = tokens.subjects(kind.name, keys)
    owners: dict[int, set[bytes]] = {}  # of almost nobody is an identifier buried
    at = 1
    for name, identifier in kind.policy.identifiers.items():
        width = len(identifier.columns)
        values = [normalised(identifier, row[at : at + width]) for row in page]  # type: ignore[arg-type]
        at += width
        there = [number for number, value in enumerate(values) if value is not None]
        made = tokens.many(kind.name, name, [values[number] or "" for number in there])
        for number, token in zip(there, made, strict=True):
            if token in identifiers:
                owners[number] = owners.get(number, set()) | identifiers[token]
    for number, (key, subject) in enumerate(zip(keys, subjects, strict=True)):
        known = owners.get(number, ())
        if subject in buried and subject in known:
            returned.restored.add(key)
        elif subject in buried:
            returned.same_key += 1
            returned.found.add(Found("same_key", kind.name, subject, key_id))
        elif known:
            returned.same_identifier += 1
            returned.found.add(Found("same_identifier", kind.name, subject, key_id))


def _live(connection: extensions.connection, kind: Kind) -> Iterator[list[tuple[object, ...]]]:
    """Read key and identifiers of every subject that is no skeleton, a page at a time."""
    own = [column("s", name) for name in kind.key]
    columns = [name for each in kind.policy.identifiers.values() for name in each.columns]
    select = sql.SQL(
        "SELECT {what} FROM {table} AS s WHERE NOT EXISTS (SELECT FROM lethe.skeleton AS b"
        " WHERE b.subject_kind = %(kind)s AND {same})"
    ).format(
        what=comma(
            [
                key_text(own),
                *(sql.SQL("{}::text").format(column("s", name)) for name in columns),
            ]
        ),
        table=kind.table.identifier if kind.table else sql.SQL(""),
        same=is_written(kind, sql.SQL("b.key"), own),
    )
    with connection.cursor(f"lethe_live_{kind.name}".replace("-", "_")) as cursor:
        cursor.itersize = _PAGE
        cursor.execute(select, {"kind": kind.name})
        while page := cursor.fetchmany(_PAGE):
            yield page
