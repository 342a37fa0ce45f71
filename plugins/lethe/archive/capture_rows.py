"""Documents of the work list, read ahead: the next batch comes while this one is sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from psycopg2 import extensions

from lethe.archive.statements import DocumentStatements
from lethe.connections import acting_as
from lethe.include import statement


class Row(NamedTuple):
    """A document of the work list, as it is; everything is None if it is there no more.

    key, owner      PostgreSQL's text form of the arrays; the same as JSON in key_json, owner_json
    bound, party    canonical JSON; party only with the first document of a subject (and day)
    digest, before  SHA-256 of what is bound, now and in the newest archived version
    ended           nothing may be archived of it any more
    head_no         newest head of the archive at the time of reading
    """

    number: int
    key: str | None
    owner: str | None
    title: str | None
    day: str | None
    country: str | None
    currency: str | None
    total: str | None
    corrects: str | None
    bound: str
    digest: bytes
    party: str | None
    year_end: str
    before: bytes | None
    before_no: int | None
    key_json: str
    owner_json: str
    ended: bool
    head_no: int


_BYTES = (Row._fields.index("digest"), Row._fields.index("before"))


def read_ahead(
    connection: extensions.connection,
    statements: DocumentStatements,
    run: Mapping[str, Any],
    size: int,
) -> Iterator[list[Row]]:
    """Read the work list in batches, one ahead of the caller, each in a transaction of its own.

    connection  of its own: nobody else may use it meanwhile
    """

    def read(after: int) -> list[Row]:
        acting_as(connection, "runner")
        found = statements.read_batch()
        with connection.cursor() as cursor:
            cursor.execute(statement("erasure/set_planning"))
            cursor.execute(found.text, {**found.values, **run, "after": after, "size": size})
            rows = [_as_row(row) for row in cursor.fetchall()]
        connection.rollback()
        return rows

    with ThreadPoolExecutor(1, "lethe-archive-reader") as pool:
        rows = read(0)
        while rows:
            ahead = pool.submit(read, rows[-1].number)
            yield rows
            rows = ahead.result()


def _as_row(row: tuple[Any, ...]) -> Row:
    fields = list(row)
    for place in _BYTES:
        if fields[place] is not None:
            fields[place] = bytes(fields[place])
    return Row._make(fields)
