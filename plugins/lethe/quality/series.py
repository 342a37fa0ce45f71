"""Columns of long numbers that are no cards: order numbers pass Luhn one time in ten, cards always.

A column whose numbers have the length and the issuer of a card, but pass Luhn no more often than
chance, is told apart by a look at some of its rows. Such numbers are then judged together; where
they all begin alike, one that begins otherwise is still judged by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.model import Column, Table, View
from lethe.catalogue.probes import attempt, reading
from lethe.policy.names import TableName
from lethe.quality.content import has_form_of_card, is_card
from lethe.quality.texts import holds_text, plain_text

_LOOKED_AT = 1_000
_LARGE = 20_000
"""Rows from which on half of those that are looked at lie anywhere in the table."""
_LONGEST = 10_000
_FEWEST = 12
_MOST_BEGINNINGS = 8
_AT_ONCE = 40
_BY_CHANCE = 0.1
_DEVIATIONS = 4
# No part of a fraction or of a hexadecimal token.
_BEFORE, _BEHIND = r"(?<![0-9][A-Fa-f]*)(?<![0-9]\.)", "(?![A-Fa-f]*[0-9])"
_PLAIN = f"{_BEFORE}[0-9]{{13,22}}{_BEHIND}"
_DRESSED = r"^\s*[0-9](?:[ .-]?[0-9]){12,18}\s*$"


@dataclass(frozen=True, slots=True)
class Series:
    """What was seen of the numbers in a column.

    rows        with such numbers
    numbers     that differ
    beginnings  first four digits of all of them; () if they begin in many ways
    is_dressed  they are written with separators, one a value
    """

    rows: int
    numbers: int
    beginnings: tuple[str, ...] = ()
    is_dressed: bool = False

    @property
    def pattern(self) -> str:
        """What such a number looks like in a text."""
        if not self.beginnings:
            return _PLAIN
        if self.is_dressed:
            begins = "|".join("[ .-]?".join(each) for each in self.beginnings)
            return rf"^\s*(?:{begins})(?:[ .-]?[0-9]){{9,15}}\s*$"
        return f"{_BEFORE}0*(?:{'|'.join(self.beginnings)})[0-9]{{9,15}}{_BEHIND}"

    @property
    def limit(self) -> float:
        """The share of rows in which one passes Luhn by chance, at most, but one time in many."""
        of_row: float = 1 - (1 - _BY_CHANCE) ** max(1.0, self.numbers / self.rows)
        return min(1.0, of_row + _DEVIATIONS * sqrt(of_row * (1 - of_row) / self.rows))


Found = Mapping[tuple[TableName, str], Series]


def find_series(connection: extensions.connection, tables: Iterable[Table | View]) -> Found:
    """Look at some rows of every table; one that cannot be read has no series."""
    found: dict[tuple[TableName, str], Series] = {}
    with reading(connection) as cursor:
        for table in tables:
            columns = [c for c in table.columns.values() if holds_text(c) and c.readable]
            for at in range(0, len(columns), _AT_ONCE):
                try:
                    with attempt(cursor):
                        some = _look(cursor, table, columns[at : at + _AT_ONCE])
                except psycopg2.Error:
                    continue
                found |= {(table.name, name): series for name, series in some.items()}
    return found


def _look(
    cursor: extensions.cursor, table: Table | View, columns: list[Column]
) -> dict[str, Series]:
    questions = [
        sql.SQL("({})").format(_count(number, pattern))
        for number in range(len(columns))
        for pattern in (_PLAIN, _DRESSED)
    ]
    select = sql.SQL("WITH s AS MATERIALIZED ({}) SELECT {}").format(
        _sample(table, columns), sql.SQL(", ").join(questions)
    )
    cursor.execute(select, {})
    row = cursor.fetchone() or ()
    found: dict[str, Series] = {}
    for number, column in enumerate(columns):
        for at, is_dressed in ((2 * number, False), (2 * number + 1, True)):
            series = _judged(*row[at], is_dressed=is_dressed)
            if series is not None:
                found.setdefault(column.name, series)
    return found


def _judged(rows: int, counted: list[tuple[str, int, int]], *, is_dressed: bool) -> Series | None:
    """What numbers are, if they are no cards.

    counted  beginning, how many numbers, of which cards
    """
    numbers = sum(each for _, each, _ in counted)
    cards = sum(each for _, _, each in counted)
    if numbers < _FEWEST or cards > _chance(numbers) * numbers:
        return None
    # Cards among them stay cards: of their beginning all pass.
    usual = {int(begins) for begins, each, passing in counted if passing < each}
    near = {each + step for each in usual for step in (-1, 0, 1)}
    alike = tuple(begins for begins, _, _ in counted if int(begins) in near)
    if len(usual) > _MOST_BEGINNINGS:
        return None if is_dressed else Series(rows, numbers)
    return Series(rows, numbers, alike, is_dressed)


def _chance(numbers: int) -> float:
    return _BY_CHANCE + _DEVIATIONS * sqrt(_BY_CHANCE * (1 - _BY_CHANCE) / numbers)


def _sample(table: Table | View, columns: list[Column]) -> sql.Composed:
    """Texts of the first rows, and of a large table of about as many anywhere in it."""
    texts = sql.SQL(", ").join(
        sql.SQL("left({}, {}) AS {}").format(
            plain_text(column), sql.Literal(_LONGEST), sql.Identifier(f"c{number}")
        )
        for number, column in enumerate(columns)
    )
    first = sql.SQL("(SELECT {} FROM {} AS m LIMIT {})")
    rows = (table.row_estimate or 0) if isinstance(table, Table) else 0
    if rows < _LARGE:
        return first.format(texts, table.name.identifier, sql.Literal(_LOOKED_AT))
    share = 50.0 * _LOOKED_AT / rows
    anywhere = sql.SQL("(SELECT {} FROM {} AS m TABLESAMPLE SYSTEM ({}) REPEATABLE (1) LIMIT {})")
    half = sql.Literal(_LOOKED_AT // 2)
    return sql.SQL("{} UNION ALL {}").format(
        first.format(texts, table.name.identifier, half),
        anywhere.format(texts, table.name.identifier, sql.Literal(share), half),
    )


def _count(number: int, pattern: str) -> sql.Composed:
    """Rows with numbers of a card's form; and by beginning how many differ, and are cards."""
    return sql.SQL(
        "WITH f AS MATERIALIZED (SELECT d.n, d.d FROM ("
        "SELECT r.n, ltrim(regexp_replace(x.run[1], '[^0-9]', '', 'g'), '0') AS d"
        " FROM (SELECT s.{column} AS v, row_number() OVER () AS n FROM s"
        " WHERE s.{column} ~ '[0-9]([ .-]?[0-9]){{12}}') AS r,"
        " LATERAL regexp_matches(r.v, {pattern}, 'g') AS x(run) OFFSET 0) AS d WHERE {form})"
        " SELECT jsonb_build_array((SELECT count(DISTINCT f.n) FROM f),"
        " (SELECT coalesce(jsonb_agg(jsonb_build_array(b.begins, b.numbers, b.cards)), '[]')"
        " FROM (SELECT left(f.d, 4) AS begins, count(DISTINCT f.d) AS numbers,"
        " count(DISTINCT f.d) FILTER (WHERE {card}) AS cards FROM f GROUP BY 1) AS b))"
    ).format(
        card=is_card(sql.SQL("f.d")),
        column=sql.Identifier(f"c{number}"),
        pattern=sql.Literal(pattern),
        form=has_form_of_card(sql.SQL("d.d")),
    )
