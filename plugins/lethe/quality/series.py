"""Columns of long numbers that are no cards: order numbers pass Luhn one time in ten, cards always.

A column whose numbers have the length and the issuer of a card, but pass Luhn no more often than
chance, is told apart by a look at its first rows. Plain numbers in it are then judged together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.model import Table
from lethe.catalogue.probes import attempt, reading
from lethe.policy.names import TableName
from lethe.quality.content import is_card, is_plain_number
from lethe.quality.texts import holds_text, is_number

Series = Mapping[tuple[TableName, str], int]
"""(table, column) → how many numbers of a card's form were seen in it."""

_LOOKED_AT = 1_000
_FEWEST = 12
_AT_ONCE = 300
_BY_CHANCE = 0.1
_DEVIATIONS = 4


def chance(numbers: int) -> float:
    """The share of so many numbers that pass Luhn by chance, at most, but one time in many."""
    return _BY_CHANCE + _DEVIATIONS * sqrt(_BY_CHANCE * (1 - _BY_CHANCE) / numbers)


def find_series(connection: extensions.connection, tables: Iterable[Table]) -> Series:
    """Look at the first rows of every table; one that cannot be read has no series."""
    found: dict[tuple[TableName, str], int] = {}
    with reading(connection) as cursor:
        for table in tables:
            names = [
                column.name
                for column in table.columns.values()
                if holds_text(column)
                and (is_number(column) or (column.is_text and not column.is_array))
            ]
            for at in range(0, len(names), _AT_ONCE):
                try:
                    with attempt(cursor):
                        counted = _count(cursor, table.name, names[at : at + _AT_ONCE])
                except psycopg2.Error:
                    continue
                found |= {
                    (table.name, name): numbers
                    for name, (numbers, cards) in counted.items()
                    if numbers >= _FEWEST and cards <= chance(numbers) * numbers
                }
    return found


def _count(
    cursor: extensions.cursor, table: TableName, names: list[str]
) -> dict[str, tuple[int, int]]:
    here = {name: sql.Identifier(name.replace("%", "%%")) for name in names}
    first = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
        sql.SQL(", ").join(
            sql.SQL('{0}::text COLLATE "C" AS {0}').format(column) for column in here.values()
        ),
        table.identifier,
        sql.Literal(_LOOKED_AT),
    )
    counts: list[sql.Composable] = []
    for column in here.values():
        # Luhn only where the form fits: CASE, for AND may be read in any order.
        plain = is_plain_number(column)
        cards = sql.SQL("CASE WHEN {} THEN {} END").format(plain, is_card(column))
        counts.append(sql.SQL("count(*) FILTER (WHERE {})").format(plain))
        counts.append(sql.SQL("count(*) FILTER (WHERE {})").format(cards))
    select = sql.SQL("SELECT {} FROM ({}) AS m").format(sql.SQL(", ").join(counts), first)
    cursor.execute(select, {})
    row = cursor.fetchone() or ()
    return {name: (row[2 * at], row[2 * at + 1]) for at, name in enumerate(names)}
