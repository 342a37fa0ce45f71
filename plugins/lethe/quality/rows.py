"""Which rows break an expectation: their keys, and the SQL to look at them oneself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.fragments import column as qualified
from lethe.catalogue.fragments import key_text
from lethe.catalogue.probes import attempt, reading
from lethe.catalogue.site import Site
from lethe.errors import UsageError, WarehouseRefused, describe_database_error
from lethe.policy.wording import nearest
from lethe.quality.expectations import Expectation, Scan
from lethe.quality.files import readable
from lethe.quality.ground import Handed
from lethe.quality.night import Prepared, prepare
from lethe.quality.outcomes import explained


@dataclass(frozen=True, slots=True)
class FailingRows:
    """Rows that break an expectation.

    columns  of the key; () where rows have none
    keys     of the first rows, in PostgreSQL's text form: no other column is read
    sql      shows whole rows to whoever may read them
    """

    expectation: str
    title: str
    table: str | None
    columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    sql: str

    def as_json(self) -> dict[str, Any]:
        """The rows as a JSON document."""
        return {
            "expectation": self.expectation,
            "title": self.title,
            "table": self.table,
            "key": list(self.columns),
            "rows": [list(key) for key in self.keys],
            "sql": self.sql,
        }


def find_rows(
    site: Site, as_of: date, handed: Handed | None, key: str, limit: int = 20
) -> FailingRows:
    """Find the rows that break an expectation.

    Raises  UsageError for an expectation that there is not
    """
    with site.connected("planner") as connection:
        try:
            return rows_of(connection, prepare(site, connection, as_of, handed), key, limit)
        except psycopg2.Error as error:
            raise WarehouseRefused(
                f"{key} could not be asked: {explained(describe_database_error(error))}",
                error.pgcode,
            ) from None


def rows_of(
    connection: extensions.connection, prepared: Prepared, key: str, limit: int = 20
) -> FailingRows:
    """The same of expectations that are derived already.

    Raises  UsageError for an expectation that there is not
    """
    scan, expectation = _named(prepared, key)
    return _find(connection, prepared, scan, expectation, limit)


def _named(prepared: Prepared, key: str) -> tuple[Scan, Expectation]:
    found = prepared.derivation.find(key)
    if found is not None:
        return found
    for absent in prepared.derivation.absent:
        if absent.key == key:
            raise UsageError(f"{key} is {absent.state}: {absent.because}")
    near = nearest(key, prepared.derivation.keys)
    meant = f"; did you mean '{near}'?" if near else "; `lethe quality run` names them all"
    raise UsageError(f"there is no expectation '{key}'{meant}")


def _find(
    connection: extensions.connection,
    prepared: Prepared,
    scan: Scan,
    expectation: Expectation,
    limit: int,
) -> FailingRows:
    values = dict(scan.values)
    keys: list[tuple[str, ...]] = []
    with reading(connection) as cursor:
        select = _of_statement(cursor, prepared, expectation, limit)
        select = select or scan.failing_keys(expectation, limit)
        if select is not None:
            with attempt(cursor):
                cursor.execute(select, values)
                keys = [tuple(row[0]) for row in cursor.fetchall() if row[0] is not None]
    columns = _columns(prepared, scan, expectation)
    keys = _hidden(prepared, expectation, columns, keys)
    return FailingRows(
        expectation.key,
        expectation.title,
        str(expectation.touches[0]) if expectation.touches else None,
        columns,
        tuple(keys),
        readable(connection, _look(scan, expectation), values) + ";",
    )


def _of_statement(
    cursor: extensions.cursor,
    prepared: Prepared,
    expectation: Expectation,
    limit: int,
) -> sql.Composed | None:
    """The keys of the rows that a statement of the policy selects, if it selects them."""
    written = prepared.ground.policy.quality.extra.get(expectation.key)
    if written is None or written.expect != "sql" or expectation.statement is None:
        return None
    key = prepared.ground.key_of(written.table)
    with attempt(cursor):
        cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(expectation.statement), {})
        names = [column.name for column in cursor.description or ()]
    if not key or not set(key) <= set(names):
        return None
    columns = [qualified("s", name) for name in key]
    return sql.SQL("SELECT {} FROM {} LIMIT {}").format(
        key_text(columns), expectation.statement, sql.Literal(limit)
    )


def _columns(prepared: Prepared, scan: Scan, expectation: Expectation) -> tuple[str, ...]:
    if expectation.wrong is not None and expectation.touches:
        return prepared.ground.key_of(expectation.touches[0])
    if expectation.rules:
        cluster = prepared.ground.policy.rules[expectation.rules[0]].cluster
        return prepared.ground.graph.kind_of(cluster).key
    return scan.key


def _hidden(
    prepared: Prepared,
    expectation: Expectation,
    columns: tuple[str, ...],
    keys: list[tuple[str, ...]],
) -> list[tuple[str, ...]]:
    """Parts of a key that are themselves personal, such as an e-mail address, stay unsaid."""
    policy = prepared.ground.policy
    table = expectation.touches[0] if expectation.touches else None
    if table is None and expectation.rules:
        table = prepared.ground.graph.kind_of(policy.rules[expectation.rules[0]].cluster).table
    entry = policy.tables.get(table) if table is not None else None
    spoken = {
        number
        for number, column in enumerate(columns)
        if entry is not None
        and (
            column in entry.not_personal
            or (column in entry.columns and entry.columns[column].class_ in ("key", "date"))
        )
    }
    return [
        tuple(part if number in spoken else HIDDEN for number, part in enumerate(key))
        for key in keys
    ]


HIDDEN = "(personal)"


def _look(scan: Scan, expectation: Expectation) -> sql.Composed:
    """SELECT of what is wrong, for people."""
    if expectation.statement is not None:
        return sql.SQL("SELECT * FROM {}").format(expectation.statement)
    if expectation.wrong is not None:
        return sql.SQL("{}").format(expectation.wrong)
    if expectation.holds is None or scan.source is None:
        return sql.SQL("SELECT count(*) FROM {}").format(scan.source or sql.SQL("(SELECT) AS m"))
    return sql.SQL("SELECT * FROM (SELECT m.*, ({}) AS kept FROM {}) AS q WHERE NOT kept").format(
        expectation.holds, scan.source
    )
