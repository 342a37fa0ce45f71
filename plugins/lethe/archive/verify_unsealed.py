"""Verify frozen clocks that no night has sealed yet: an erasure on the ledger froze each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from psycopg2 import extensions

from lethe.archive.appending import ArchiveKeys
from lethe.archive.reading import read_records
from lethe.errors import TamperingFound
from lethe.include import statement
from lethe.keys import KeyRing

_AT_ONCE = 10_000


class Unsealed(NamedTuple):
    """A clock without a leaf.

    earlier  newest clock record of its subject, if any
    """

    kind: str
    key: str
    run_id: str | None
    earlier: int | None


def read_unsealed(connection: extensions.connection) -> list[Unsealed]:
    """Read them."""
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/list_frozen"))
        return [
            Unsealed(kind, key, run_id, earlier)
            for number, kind, key, _, _, run_id, earlier in cursor.fetchall()
            if number is None
        ]


def verify_unsealed(
    connection: extensions.connection, keys: ArchiveKeys, fault: Callable[[str], None]
) -> int:
    """Verify them; returns how many wait for the next night to seal them.

    One of the run that is sealed already was sealed, and is called unsealed.
    """
    found = read_unsealed(connection)
    for at in range(0, len(found), _AT_ONCE):
        page = found[at : at + _AT_ONCE]
        for _ in range(len(page) - len(_erased(connection, page))):
            fault("a frozen clock that is not sealed: no erasure on the ledger froze it")
    for each in found:
        if each.earlier is None:
            continue
        try:
            (opened,) = read_records(connection, keys, leaves=[each.earlier])
        except TamperingFound:
            continue  # named as a record
        # Records of before 2026-11-23 do not say which run froze them.
        if opened.record.get("frozen_by", each.run_id) == each.run_id:
            fault(f"frozen clock of leaf {each.earlier}: was sealed, and is called unsealed")
    return len(found)


def require_frozen_by_erasures(connection: extensions.connection, keys: ArchiveKeys) -> None:
    """Refuse to seal a clock that no erasure froze.

    Raises  TamperingFound
    """
    faults: list[str] = []
    verify_unsealed(connection, keys, faults.append)
    if faults:
        raise TamperingFound(f"archive: {faults[0]}; nothing is sealed. Run `lethe archive verify`")


def _erased(connection: extensions.connection, clocks: Sequence[Unsealed]) -> set[int]:
    ring = KeyRing.open(connection)
    makers = [
        ring.tokens("token", each.period)
        for each in ring.list()
        if each.purpose == "token" and each.wrapped is not None
    ]
    found: set[int] = set()
    by_kind: dict[str, list[int]] = {}
    for place, each in enumerate(clocks):
        if each.run_id is not None and isinstance(json.loads(each.key), list):
            by_kind.setdefault(each.kind, []).append(place)
    with connection.cursor() as cursor:
        for maker in makers:
            for kind, places in by_kind.items():
                tokens = maker.subjects(kind, [json.loads(clocks[at].key) for at in places])
                runs = [clocks[at].run_id for at in places]
                values = {"places": places, "runs": runs, "tokens": tokens}
                cursor.execute(statement("archive/find_erased"), values)
                found |= {int(place) for (place,) in cursor.fetchall()}
    return found
