"""What is new or changed since the archive looked last, in one snapshot of the warehouse.

Documents lie in parts by their day of issue and their key. A part of which a night found every
document archived as it is, is settled: as long as the sum of its documents' hashes stays, no night
compares it again.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys, Place
from lethe.archive.heads import last_head
from lethe.archive.statements import DocumentStatements
from lethe.catalogue.fragments import Statement
from lethe.connections import acting_as
from lethe.include import statement

_MUCH = 20_000
_SETTLED = frozenset({"unchanged", "customer lost", "past its period", "account erased"})


@dataclass(slots=True)
class Comparison:
    """What a night has to do.

    place     how far the archive is in the snapshot
    outcomes  documents that nothing is to be done about
    pending   there may be documents that are new, changed or refused
    parts     where they are; None: anywhere
    is_much   it is worth a process of its own
    deleted   archived documents of living accounts that the warehouse has no more
    """

    place: Place
    outcomes: Counter[str] = field(default_factory=Counter)
    pending: bool = True
    parts: list[int] | None = None
    is_much: bool = False
    deleted: int = 0


def compare_documents(
    connection: extensions.connection,
    reader: extensions.connection,
    statements: DocumentStatements,
    policy_digest: bytes,
    keys: ArchiveKeys,
) -> Comparison:
    """Compare one kind of document; the snapshot of `reader` stays open for what is to be read.

    connection  writes what needs not be compared again, and commits
    """
    reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
    acting_as(reader, "runner")
    named = {"document_type": statements.name}
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
        sums = {
            part: (count, total) for part, count, total in _rows(cursor, statements.sum_parts())
        }
        cursor.execute(statement("archive/list_unchanged"), named | {"policy": policy_digest})
        settled: dict[int, dict[str, Any]] = {
            part: json.loads(outcomes)
            for name, part, digest, count, total, outcomes, token in cursor.fetchall()
            if sums.get(part) == (count, total)
            and bytes(token)
            == settled_token(keys, name, part, bytes(digest), count, total, outcomes)
        }
        compared = _compare(cursor, statements, settled)
        held = sum(each["held"] for each in (*settled.values(), *compared.values()))
        if held != living:
            found.deleted = int(_rows(cursor, statements.find_deleted())[0][0])
    found.parts = [part for part, each in compared.items() if each["open"]]
    found.pending = bool(found.parts)
    found.is_much = sum(each["open"] for each in compared.values()) >= _MUCH
    for each in (*settled.values(), *compared.values()):
        found.outcomes.update(each["outcomes"])
    closed = {part: (sums[part], each) for part, each in compared.items() if not each["open"]}
    _settle(connection, found, named | {"policy": policy_digest}, closed, list(settled), keys)
    return found


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


def _compare(
    cursor: extensions.cursor, statements: DocumentStatements, settled: dict[int, dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(
        lambda: {"outcomes": Counter(), "held": 0, "open": 0}
    )
    compare = statements.compare()
    for part, outcome, count, held in _rows(cursor, compare, settled=sorted(settled)):
        each = found[part]
        each["held"] += held
        if outcome in _SETTLED:
            each["outcomes"][outcome] += count
        else:
            each["open"] += count
    return found


def _settle(
    connection: extensions.connection,
    found: Comparison,
    named: dict[str, Any],
    closed: dict[int, tuple[tuple[int, Any], dict[str, Any]]],
    settled: list[int],
    keys: ArchiveKeys,
) -> None:
    """Note what needs not be compared again, unless another run appended meanwhile."""
    acting_as(connection, "runner")
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/lock_archive"))
        head = last_head(connection)
        if (head.head_no if head else 0) != found.place.head_no:
            connection.rollback()
            return
        kept = {"parts": None, "kept": settled}
        cursor.execute(statement("archive/forget_unchanged"), named | kept)
        if closed:
            told = [
                json.dumps({"outcomes": each["outcomes"], "held": each["held"]})
                for _, each in closed.values()
            ]
            name, policy = named["document_type"], named["policy"]
            values = {
                "parts": list(closed),
                "documents": [total[0] for total, _ in closed.values()],
                "sums": [total[1] for total, _ in closed.values()],
                "outcomes": told,
                "tokens": [
                    settled_token(keys, name, part, policy, *total, said)
                    for (part, (total, _)), said in zip(closed.items(), told, strict=True)
                ],
            }
            cursor.execute(statement("archive/write_unchanged"), named | values)
    connection.commit()


def _rows(cursor: extensions.cursor, found: Statement, **values: Any) -> list[tuple[Any, ...]]:
    cursor.execute(found.text, {**found.values, **values})
    return cursor.fetchall()
