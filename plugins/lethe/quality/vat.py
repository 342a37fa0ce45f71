"""Count VAT numbers whose check digits do not fit: distinct values, streamed, none of them kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import uuid4

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.probes import attempt, reading
from lethe.policy.names import TableName

_OF_THE_UNION = re.compile(
    "^(AT|BE|BG|CY|CZ|DE|DK|EE|EL|GR|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)"
    "[ .-]?[0-9A-Z]*[0-9]"
)
_FORM = re.compile(r"^(?=(?:[^0-9]*[0-9]){5})[0-9A-Z](?:[ ./-]?[0-9A-Z]){4,19}$")
"""What a number of any country looks like: a word with five digits at least."""
_AT_ONCE = 5_000


def count_numbers(
    connection: extensions.connection, columns: Iterable[tuple[TableName, str, bool]]
) -> dict[tuple[TableName, str], tuple[int, int]]:
    """Count distinct numbers, and those that cannot be right.

    columns  table, column, and whether the policy says that it holds VAT numbers; of one that is
             only called so, rates or amounts are no wrong numbers
    Returns  column → (distinct, wrong); a column that cannot be read is left out
    """
    found: dict[tuple[TableName, str], tuple[int, int]] = {}
    with reading(connection) as cursor:
        for table, name, is_declared in columns:
            try:
                with attempt(cursor):
                    distinct, wrong, strange = _count(connection, table, name)
            except psycopg2.Error:
                continue
            if distinct and (is_declared or strange <= distinct / 2):
                found[table, name] = distinct, wrong
    return found


def _count(connection: extensions.connection, table: TableName, name: str) -> tuple[int, int, int]:
    """Numbers that differ, those that cannot be right, and of these those without any form."""
    from stdnum.eu import vat

    column = sql.Identifier(name.replace("%", "%%"))
    select = sql.SQL(
        "SELECT DISTINCT upper(btrim({0}::text)) FROM {1} WHERE btrim({0}::text) <> %(none)s"
    ).format(column, table.identifier)
    distinct = wrong = strange = 0
    with connection.cursor(name=f"vat_{uuid4().hex}") as streamed:
        streamed.itersize = _AT_ONCE
        streamed.execute(select, {"none": ""})
        for (number,) in streamed:
            distinct += 1
            has_form = _FORM.match(number) is not None
            strange += not has_form
            of_union = _OF_THE_UNION.match(number) is not None
            wrong += not (vat.is_valid(number) if of_union else has_form)
    return distinct, wrong, strange
