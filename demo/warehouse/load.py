"""Fills a PostgreSQL database with the demo warehouse, by COPY, once.

What is loaded is remembered in a comment on the schema crm: no table of its own, nothing personal.
"""

from __future__ import annotations

import hashlib
import io
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import psycopg2
from psycopg2 import sql

from demo.warehouse.book import Book
from demo.warehouse.cases import write_cases
from demo.warehouse.chunk import Counters
from demo.warehouse.generate import count_employees, generate

HERE = Path(__file__).parent
SCHEMAS = (
    "report",
    "compliance",
    "web",
    "marketing",
    "support",
    "billing",
    "commerce",
    "crm",
    "catalog",
)
DEFAULT_ACCOUNTS = 400
DEFAULT_SEED = 20_240_229
MARK = "lethe demo warehouse "


class LoadRefusedError(Exception):
    """The database holds something else; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What a demo warehouse was made from."""

    accounts: int
    seed: int
    as_of: date
    version: str

    def __str__(self) -> str:
        return f"{self.accounts} accounts, seed {self.seed}, as of {self.as_of}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The outcome of a load; no rows and no seconds when it was there already."""

    marker: Marker
    rows: dict[str, int]
    seconds: float

    @property
    def already_there(self) -> bool:
        """Nothing had to be done."""
        return not self.rows


@dataclass(frozen=True, slots=True)
class _Piece:
    table: str
    columns: list[str]
    text: bytes
    rows: int


def load_warehouse(
    dsn: str,
    accounts: int = DEFAULT_ACCOUNTS,
    *,
    seed: int = DEFAULT_SEED,
    as_of: date | None = None,
    fresh: bool = False,
    progress: Callable[[str, int], None] = lambda _table, _rows: None,
) -> Loaded:
    """Load the demo warehouse, or find that it is there.

    as_of    None: today for a new warehouse, any day for one that is there
    fresh    drop a demo warehouse that is there; never anything else
    Raises   LoadRefusedError where other data or another demo is in the way
    """
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            return _load_or_find(
                cursor, Marker(accounts, seed, as_of or date.min, _version()), fresh, progress
            )
    finally:
        connection.close()


def read_marker(cursor: psycopg2.extensions.cursor) -> Marker | None:
    """What the database was loaded with; None where there is no demo warehouse."""
    cursor.execute("SELECT obj_description(to_regnamespace('crm'), 'pg_namespace')")
    row = cursor.fetchone()
    text = row[0] if row else None
    if not text or not text.startswith(MARK):
        return None
    facts = json.loads(text.removeprefix(MARK))
    return Marker(**(facts | {"as_of": date.fromisoformat(facts["as_of"])}))


def _load_or_find(
    cursor: psycopg2.extensions.cursor,
    wanted: Marker,
    fresh: bool,
    progress: Callable[[str, int], None],
) -> Loaded:
    started = time.monotonic()
    # Two loads at once: the second waits, then finds the first one's work.
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lethe demo warehouse'))")
    found = read_marker(cursor)
    if found and not fresh:
        same = replace(wanted, as_of=found.as_of) if wanted.as_of == date.min else wanted
        if same == found:
            return Loaded(found, {}, 0.0)
        made = "" if same.version == found.version else ", made by another version of the generator"
        raise LoadRefusedError(
            f"the database holds a demo warehouse already ({found}{made}); load anew with --fresh"
        )
    _clear(cursor, found)
    marker = replace(wanted, as_of=date.today()) if wanted.as_of == date.min else wanted  # noqa: DTZ011
    rows = _fill(cursor, marker, progress)
    return Loaded(marker, rows, time.monotonic() - started)


def _clear(cursor: psycopg2.extensions.cursor, found: Marker | None) -> None:
    cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", (list(SCHEMAS),))
    there = [name for (name,) in cursor.fetchall()]
    if there and not found:
        raise LoadRefusedError(
            f"the database has schemas of its own named {', '.join(sorted(there))}; "
            "give the demo a database for itself"
        )
    for name in there:
        cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def _fill(
    cursor: psycopg2.extensions.cursor, marker: Marker, progress: Callable[[str, int], None]
) -> dict[str, int]:
    cursor.execute("SET LOCAL TimeZone = 'UTC'")
    cursor.execute("SET LOCAL DateStyle = 'ISO, YMD'")
    cursor.execute("SET LOCAL synchronous_commit = off")
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    cursor.execute((HERE / "schema" / "tables.sql").read_text(encoding="utf-8"))
    _create_partitions(cursor, marker.as_of)
    rows: dict[str, int] = {}
    for piece in _ahead(_pieces(marker)):
        _copy(cursor, piece)
        rows[piece.table] = rows.get(piece.table, 0) + piece.rows
        progress(piece.table, rows[piece.table])
    progress("keys, indexes and views", 0)
    cursor.execute((HERE / "schema" / "constraints.sql").read_text(encoding="utf-8"))
    _set_sequences(cursor)
    for name in SCHEMAS:
        _analyze(cursor, name)
    facts = asdict(marker) | {"as_of": marker.as_of.isoformat()}
    cursor.execute(
        sql.SQL("COMMENT ON SCHEMA crm IS {}").format(sql.Literal(MARK + json.dumps(facts)))
    )
    return rows


def _pieces(marker: Marker) -> Iterator[_Piece]:
    counters = Counters()
    book = Book(marker.as_of, counters)
    used = write_cases(book, marker.accounts)
    every = np.arange(1, marker.accounts + 1, dtype=np.int64)
    ids = every[~np.isin(every, list(used))]
    employees = count_employees(marker.accounts)
    for batch in generate(marker.seed, ids, marker.as_of, counters, employees):
        if batch.rows.is_empty():
            continue
        text = io.BytesIO()
        batch.rows.write_csv(
            text, include_header=False, null_value=r"\N", datetime_format="%Y-%m-%d %H:%M:%S"
        )
        yield _Piece(batch.table, batch.rows.columns, text.getvalue(), batch.rows.height)
    for table, columns, case_text in book.texts():
        yield _Piece(
            table, columns, case_text, len([r for r in book.rows[table] if list(r) == columns])
        )


def _ahead(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """Make the next pieces in a thread while the database swallows this one."""
    ready: queue.Queue[_Piece | BaseException | None] = queue.Queue(maxsize=4)
    stopped = threading.Event()

    def make() -> None:
        last: BaseException | None = None
        try:
            for piece in pieces:
                if not _put(ready, piece, stopped):
                    return
        except BaseException as error:
            last = error
        _put(ready, last, stopped)

    threading.Thread(target=make, name="demo-rows", daemon=True).start()
    try:
        while isinstance(item := ready.get(), _Piece):
            yield item
        if item is not None:
            raise item
    finally:
        stopped.set()


def _put(
    ready: queue.Queue[_Piece | BaseException | None],
    item: _Piece | BaseException | None,
    stopped: threading.Event,
) -> bool:
    while not stopped.is_set():
        try:
            ready.put(item, timeout=0.2)
            return True
        except queue.Full:
            continue
    return False


def _copy(cursor: psycopg2.extensions.cursor, piece: _Piece) -> None:
    schema, table = piece.table.split(".", 1)
    # Frozen rows need no later vacuum; PostgreSQL refuses FREEZE on a partitioned table.
    freeze = sql.SQL("" if piece.table == "web.access_log" else ", FREEZE")
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv, NULL '\\N'{})").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, piece.columns)),
        freeze,
    )
    cursor.copy_expert(statement, io.BytesIO(piece.text))


def _create_partitions(cursor: psycopg2.extensions.cursor, as_of: date) -> None:
    month = (as_of.replace(day=1) - timedelta(days=120)).replace(day=1)
    while month <= as_of + timedelta(days=62):
        following = (month + timedelta(days=32)).replace(day=1)
        cursor.execute(
            sql.SQL(
                "CREATE TABLE {} PARTITION OF web.access_log FOR VALUES FROM ({}) TO ({})"
            ).format(
                sql.Identifier("web", f"access_log_{month:%Y_%m}"),
                sql.Literal(month.isoformat()),
                sql.Literal(following.isoformat()),
            )
        )
        month = following
    cursor.execute("CREATE TABLE web.access_log_other PARTITION OF web.access_log DEFAULT")


def _set_sequences(cursor: psycopg2.extensions.cursor) -> None:
    cursor.execute(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = ANY(%s) AND is_identity = 'YES'"
        " AND table_name NOT LIKE 'access\\_log\\_%%'",
        (list(SCHEMAS),),
    )
    for schema, table, column in cursor.fetchall():
        cursor.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({}, {}), (SELECT coalesce(max({}), 0) + 1"
                " FROM {}), false)"
            ).format(
                sql.Literal(sql.Identifier(schema, table).as_string(cursor)),
                sql.Literal(column),
                sql.Identifier(column),
                sql.Identifier(schema, table),
            )
        )


def _analyze(cursor: psycopg2.extensions.cursor, schema: str) -> None:
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace"
        " AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition ORDER BY 1",
        (schema,),
    )
    for (table,) in cursor.fetchall():
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))


@cache
def _version() -> str:
    digest = hashlib.sha256()
    for file in sorted((*HERE.rglob("*.py"), *HERE.rglob("*.sql"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
