"""Count VAT numbers whose check digits do not fit: distinct values, streamed, none of them kept."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.probes import attempt, reading
from lethe.policy.names import TableName

_CONCERNED = (
    "^(AT|BE|BG|CY|CZ|DE|DK|EE|EL|GR|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)"
    "[ .-]?[0-9A-Z]"
)
_AT_ONCE = 5_000


def count_numbers(
    connection: extensions.connection, columns: Iterable[tuple[TableName, str]]
) -> dict[tuple[TableName, str], tuple[int, int]]:
    """Count distinct numbers of the European Union and those that cannot be right.

    Returns  column → (distinct, wrong); a column that cannot be read is left out
    """
    found: dict[tuple[TableName, str], tuple[int, int]] = {}
    with reading(connection) as cursor:
        for table, name in columns:
            try:
                with attempt(cursor):
                    counted = _count(connection, table, name)
            except psycopg2.Error:
                continue
            if counted[0]:
                found[table, name] = counted
    return found


def _count(connection: extensions.connection, table: TableName, name: str) -> tuple[int, int]:
    from stdnum.eu import vat

    column = sql.Identifier(name.replace("%", "%%"))
    select = sql.SQL(
        "SELECT DISTINCT upper(btrim({0}::text)) FROM {1} WHERE upper(btrim({0}::text)) ~ %(eu)s"
    ).format(column, table.identifier)
    distinct = wrong = 0
    with connection.cursor(name=f"vat_{uuid4().hex}") as streamed:
        streamed.itersize = _AT_ONCE
        streamed.execute(select, {"eu": _CONCERNED})
        for (number,) in streamed:
            distinct += 1
            wrong += not vat.is_valid(number)
    return distinct, wrong
