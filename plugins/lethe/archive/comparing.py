"""What is new or changed since the archive looked last, in one snapshot of the warehouse.

Documents lie in parts by their day of issue and their key. Of each part a night notes how many
documents it found archived as they are, and the sum of their hashes. As long as that is the sum of
the part, less what the archive never held, nothing in it is compared again.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys, Place
from lethe.archive.heads import last_head
from lethe.archive.part_statements import PartStatements
from lethe.catalogue.fragments import Statement
from lethe.connections import acting_as
from lethe.include import statement

_MUCH = 20_000
_SETTLED = frozenset({"unchanged", "customer lost", "past its period", "account erased"})
_Sum = tuple[int, Decimal]
"""Documents, and the sum of their hashes."""


@dataclass(slots=True)
class Part:
    """What a night found in a part, or noted of it.

    total     documents that are archived as they are
    outcomes  what became of them
    held      those of them that the archive holds
    new       keys of the others: new, changed or refused
    held_new  those of the others that the archive holds, as they were
    """

    total: _Sum = (0, Decimal(0))
    outcomes: Counter[str] = field(default_factory=Counter)
    held: int = 0
    new: list[str] = field(default_factory=list)
    held_new: int = 0


@dataclass(slots=True)
class Comparison:
    """What a night has to do.

    place     how far the archive is in the snapshot
    outcomes  documents that nothing is to be done about
    issued    all issued documents; None: whatever is read
    pending   there may be documents that are new, changed or refused
    parts     where they are; None: anywhere
    keys      which they are, each the text form of text[]; None: all that the parts have
    compared  of the parts, those with documents that may be changed
    grown     of the parts, those with documents only that the archive never held, once all of
              them are archived
    is_much   it is worth a process of its own
    deleted   archived documents of living accounts that the warehouse has no more
    """

    place: Place
    outcomes: Counter[str] = field(default_factory=Counter)
    issued: int | None = None
    pending: bool = True
    parts: list[int] | None = None
    keys: list[str] | None = None
    compared: list[int] = field(default_factory=list)
    grown: dict[int, Part] = field(default_factory=dict)
    is_much: bool = False
    deleted: int = 0


def compare_documents(
    connection: extensions.connection,
    reader: extensions.connection,
    statements: PartStatements,
    policy_digest: bytes,
    keys: ArchiveKeys,
) -> Comparison:
    """Compare one kind of document; the snapshot of `reader` stays open for what is to be read.

    connection  writes what needs not be compared again, and commits
    """
    reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
    acting_as(reader, "runner")
    named = {"document_type": statements.name, "policy": policy_digest}
    with reader.cursor() as cursor:
        cursor.execute(statement("erasure/set_planning"))
        cursor.execute(statement("archive/count_listed"), named)
        head_no, size, living, listed = cursor.fetchone() or (0, 0, 0, 0)
        found = Comparison(Place(int(head_no), int(size)))
        if not listed:
            # The first night: everything is new.
            (count,) = _rows(cursor, statements.count_some(), limit=_MUCH)[0]
            found.is_much = count == _MUCH
            return found
        sums: dict[int, _Sum] = {
            part: (count, total) for part, count, total in _rows(cursor, statements.sum_parts())
        }
        notes = _read_notes(cursor, named, keys)
        settled = {part: note for part, note in notes.items() if sums.get(part) == note.total}
        rest = sums.keys() - settled.keys()
        grown = _find_grown(cursor, statements, sums, notes, rest)
        compared = _compare(cursor, statements, rest - grown.keys())
        if sum(each.held + each.held_new for each in _all(settled, grown, compared)) != living:
            found.deleted = int(_rows(cursor, statements.find_deleted())[0][0])
    found.issued = sum(count for count, _ in sums.values())
    found.compared = [part for part, each in compared.items() if each.new]
    found.grown = grown
    found.parts = [*found.compared, *grown]
    new = [key for each in _all(grown, compared) for key in each.new]
    found.pending, found.is_much = bool(new), len(new) >= _MUCH
    found.keys = new if statements.has_key and not found.is_much else None
    for each in _all(settled, grown, compared):
        found.outcomes.update(each.outcomes)
    _settle(connection, {found.place.head_no}, named, compared, {**settled, **grown}, keys)
    for part, each in grown.items():
        more = len(each.new)
        outcomes = each.outcomes + Counter(unchanged=more)
        grown[part] = Part(sums[part], outcomes, each.held + more, each.new)
    return found


def settle_grown(
    connection: extensions.connection,
    found: Comparison,
    statements: PartStatements,
    policy_digest: bytes,
    keys: ArchiveKeys,
    *,
    heads: Collection[int],
    archived: Set[str],
) -> None:
    """Note parts whose new documents this run has archived, all of them.

    heads     those that this run appended
    archived  keys of the documents
    """
    named = {"document_type": statements.name, "policy": policy_digest}
    closed = {
        part: each for part, each in found.grown.items() if archived and set(each.new) <= archived
    }
    if closed:
        _settle(connection, {found.place.head_no, *heads}, named, closed, None, keys)


def settled_token(
    keys: ArchiveKeys,
    name: str,
    part: int,
    policy_digest: bytes,
    documents: int,
    fingerprint: Decimal,
    outcomes: str,
) -> bytes:
    """What shows that a night noted a part as settled: whoever changes the note cannot make it."""
    said = [name, part, policy_digest.hex(), documents, str(fingerprint), json.loads(outcomes)]
    text = json.dumps(["unchanged", *said], sort_keys=True)
    return hmac.digest(keys.tokens, text.encode(), "sha256")


def _read_notes(
    cursor: extensions.cursor, named: dict[str, Any], keys: ArchiveKeys
) -> dict[int, Part]:
    cursor.execute(statement("archive/list_unchanged"), named)
    notes = {}
    for name, part, digest, count, total, outcomes, token in cursor.fetchall():
        own = settled_token(keys, name, part, bytes(digest), count, total, outcomes)
        if hmac.compare_digest(bytes(token), own):
            said = json.loads(outcomes)
            notes[part] = Part((count, total), Counter(said["outcomes"]), said["held"])
    return notes


def _find_grown(
    cursor: extensions.cursor,
    statements: PartStatements,
    sums: Mapping[int, _Sum],
    notes: Mapping[int, Part],
    rest: Collection[int],
) -> dict[int, Part]:
    """Of the parts whose sum is not what was noted, those that only have documents more."""
    noted = [part for part in rest if part in notes] if statements.has_key else []
    grown = {}
    for part, count, total, new in (
        _rows(cursor, statements.find_unlisted(), parts=noted) if noted else []
    ):
        note = notes[part]
        if (sums[part][0] - count, sums[part][1] - total) == note.total:
            grown[part] = Part(note.total, note.outcomes, note.held, new)
    return grown


def _compare(
    cursor: extensions.cursor, statements: PartStatements, parts: Collection[int]
) -> dict[int, Part]:
    found: dict[int, Part] = {}
    rows = _rows(cursor, statements.compare(), parts=sorted(parts)) if parts else []
    for part, outcome, count, held, total, new in rows:
        each = found.setdefault(part, Part())
        if outcome in _SETTLED:
            each.total = (each.total[0] + count, each.total[1] + total)
            each.outcomes[outcome] += count
            each.held += held
        else:
            each.new += new
            each.held_new += held
    return found


def _settle(
    connection: extensions.connection,
    heads: Collection[int],
    named: dict[str, Any],
    closed: Mapping[int, Part],
    kept: Collection[int] | None,
    keys: ArchiveKeys,
) -> None:
    """Note what needs not be compared again, unless another run appended meanwhile.

    heads  the newest head may be one of these
    kept   parts whose notes stay; None: all of them
    """
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/lock_archive"))
        if kept is not None:
            values = {"parts": None, "kept": list(kept)}
            cursor.execute(statement("archive/forget_unchanged"), named | values)
        head = last_head(connection)
        noted = {part: each for part, each in closed.items() if each.total[0]}
        if noted and (head.head_no if head else 0) in heads:
            cursor.execute(
                statement("archive/write_unchanged"), named | _notes_of(named, noted, keys)
            )
    connection.commit()


def _notes_of(
    named: Mapping[str, Any], noted: Mapping[int, Part], keys: ArchiveKeys
) -> dict[str, Any]:
    told = [json.dumps({"outcomes": each.outcomes, "held": each.held}) for each in noted.values()]
    name, policy = named["document_type"], named["policy"]
    return {
        "parts": list(noted),
        "documents": [each.total[0] for each in noted.values()],
        "sums": [each.total[1] for each in noted.values()],
        "outcomes": told,
        "tokens": [
            settled_token(keys, name, part, policy, *each.total, said)
            for (part, each), said in zip(noted.items(), told, strict=True)
        ],
    }


def _all(*parts: Mapping[int, Part]) -> Iterable[Part]:
    return [each for some in parts for each in some.values()]


def _rows(cursor: extensions.cursor, found: Statement, **values: Any) -> list[tuple[Any, ...]]:
    cursor.execute(found.text, {**found.values, **values})
    return cursor.fetchall()
