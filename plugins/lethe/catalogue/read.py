"""Read the catalogue of any PostgreSQL 15 to 18: a fixed number of queries, one snapshot."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.assemble import assemble_catalogue
from lethe.catalogue.model import Catalogue
from lethe.catalogue.rows import CatalogueRows, fetch_rows
from lethe.errors import WarehouseRefused, WarehouseUnreachable, describe_database_error
from lethe.include import statement

OLDEST = 15
NEWEST = 18

_WAY_OUT = {
    "25P02": "the transaction that it was to be read in has failed: roll it back first",
    "42501": "the role needs SELECT on pg_catalog, as PostgreSQL grants it to everybody",
    "55P03": "another session held a lock for too long: run it again when it is done",
    "57014": "statement_timeout ended it: give the role more time",
}

_log = logging.getLogger(__name__)


def read_catalogue(
    connection: extensions.connection, ignore_schemas: Sequence[str] = ("lethe",)
) -> Catalogue:
    """Read the whole catalogue as the current role sees it.

    connection      if it is in no transaction, all is read in one REPEATABLE READ READ ONLY
                    snapshot that ends here; else in the caller's transaction, which stays as it was
    ignore_schemas  left out, as are the system's; a foreign key into or out of one is still told
    Raises          WarehouseRefused, WarehouseUnreachable
    """
    if connection.closed:
        raise WarehouseUnreachable("the connection is closed: run it again on a new one")
    _refuse_old_server(connection.info.server_version)
    try:
        with _snapshot(connection) as cursor:
            rows = fetch_rows(cursor, tuple(ignore_schemas))
    except psycopg2.Error as error:
        raise _told(error) from None
    catalogue = assemble_catalogue(rows)
    _log_reading(catalogue, rows)
    return catalogue


def _refuse_old_server(version: int) -> None:
    major = version // 10000
    if major < OLDEST:
        raise WarehouseRefused(
            f"the server is PostgreSQL {major}, and Lethe needs {OLDEST} or newer: "
            f"upgrade it (pg_upgrade), or point the connection at a server of version "
            f"{OLDEST} to {NEWEST}"
        )
    if major > NEWEST:
        _log.warning("PostgreSQL %d is newer than what Lethe was tested on (%d)", major, NEWEST)


@contextmanager
def _snapshot(connection: extensions.connection) -> Iterator[extensions.cursor]:
    """One snapshot with every name of a type told in full; nothing of it outlives the block."""
    begin, end = _brackets(connection)
    with connection.cursor(cursor_factory=extensions.cursor) as cursor:
        cursor.execute(sql.SQL(begin))
        try:
            cursor.execute(statement("catalogue/pin_names"))
            yield cursor
        finally:
            if not connection.closed:
                for command in end:
                    cursor.execute(sql.SQL(command))
                if connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE:
                    # Or psycopg2 would believe the transaction open and never begin another.
                    connection.rollback()


def _brackets(connection: extensions.connection) -> tuple[str, tuple[str, ...]]:
    mode = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
    if connection.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
        # A savepoint, so that the caller's search_path comes back.
        end = ("ROLLBACK TO SAVEPOINT lethe_catalogue", "RELEASE SAVEPOINT lethe_catalogue")
        return "SAVEPOINT lethe_catalogue", end
    if connection.autocommit:
        return f"BEGIN {mode}", ("ROLLBACK",)
    return f"SET TRANSACTION {mode}", ("ROLLBACK",)


def _told(error: psycopg2.Error) -> WarehouseRefused | WarehouseUnreachable:
    said = describe_database_error(error)
    state = error.pgcode
    if state is None or state.startswith(("08", "57P")):
        return WarehouseUnreachable(
            f"the connection was lost while the catalogue was read ({said}): run it again"
        )
    way_out = _WAY_OUT.get(state, "nothing was changed; the log of the server says more")
    return WarehouseRefused(f"the catalogue could not be read ({said}): {way_out}", state)


def _log_reading(catalogue: Catalogue, rows: CatalogueRows) -> None:
    _log.info(
        "read the catalogue of %s: tables=%d columns=%d foreign_keys=%d views=%d",
        catalogue.database,
        len(catalogue.tables),
        len(rows.columns),
        len(catalogue.foreign_keys),
        len(catalogue.views),
    )
