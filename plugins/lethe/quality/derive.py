"""Derive expectations from a policy and a catalogue: pure, no clock, no question to anybody."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2 import sql

from lethe.errors import LetheError
from lethe.quality import contents, dues, extras, promises, shapes, statics
from lethe.quality.expectations import Absent, Derivation, Scan
from lethe.quality.ground import Found, Ground, OwnScan, RowCheck

_TOPICS = (
    contents.find,
    shapes.find,
    promises.find,
    dues.find,
    statics.find,
    extras.find,
)


def derive(ground: Ground) -> Derivation:
    """Everything that the policy implies for this warehouse, and what it implies in vain.

    Expectations over rows of one table share one scan; the others bring their own.
    """
    rows: dict[str, list[RowCheck]] = {}
    own: list[Scan] = []
    absent: list[Absent] = []
    for found in _found(ground):
        if isinstance(found, RowCheck):
            rows.setdefault(str(found.table), []).append(found)
        elif isinstance(found, OwnScan):
            own.append(found.scan)
        else:
            absent.append(found)
    scans = [_shared(ground, checks) for checks in rows.values()]
    return Derivation((*scans, *own), tuple(absent))


def _found(ground: Ground) -> Iterator[Found]:
    for topic in _TOPICS:
        try:
            yield from topic(ground)
        except LetheError as error:
            name = topic.__module__.rpartition(".")[2]
            yield Absent(name, name, "policy", None, "warning", "not checked", str(error))


def _shared(ground: Ground, checks: list[RowCheck]) -> Scan:
    table = checks[0].table
    known = ground.table(table)
    source = ground.rows_of(table)
    for alias, relation in {a: r for check in checks for a, r in check.beside.items()}.items():
        # Computed once a row, however many expectations read it.
        source = sql.SQL("{}, LATERAL {} AS {}").format(source, relation, sql.Identifier(alias))
    return Scan(
        str(table),
        ground.suite_of(table),
        source,
        tuple(check.expectation for check in checks),
        table,
        ground.key_of(table),
        ground.values.bound,
        known.size_bytes if known is not None else 0,
    )
