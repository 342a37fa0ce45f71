"""Ways as SQL: the joins that lead from a row to the key of its root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql

from lethe.catalogue.fragments import all_of, column, key_text, type_name
from lethe.catalogue.graph import Hop, Kind, Way
from lethe.policy.names import quoted

_MATCHES = {
    "exact": "{} = {}",
    "lower": "lower({}::text) = lower({}::text)",
    "text": "{}::text = {}::text",
}


@dataclass(frozen=True, slots=True)
class Walk:
    """A way walked from an alias.

    tables      what joins the FROM list, with aliases
    conditions  what joins the WHERE list
    owner       the columns that hold the key of the root, in its order
    """

    tables: tuple[sql.Composable, ...]
    conditions: tuple[sql.Composable, ...]
    owner: tuple[sql.Composable, ...]

    def source(self, *first: sql.Composable) -> sql.Composed:
        """The FROM list: given tables, then those on the way."""
        return sql.SQL(", ").join([*first, *self.tables])


def walk(way: Way, alias: str) -> Walk:
    """Walk a way that ends at the key of its root."""
    tables: list[sql.Composable] = []
    conditions: list[sql.Composable] = []
    here = alias
    for number, hop in enumerate(way):
        if hop.to is None:
            conditions.extend(_typed(hop, here))
            owner = tuple(column(here, name) for name in hop.columns)
            return Walk(tuple(tables), tuple(conditions), owner)
        there = f"{alias}_{number + 1}"
        tables.append(sql.SQL("{} AS {}").format(hop.to.identifier, quoted(there)))
        conditions.extend(equalities(hop, here, there))
        here = there
    raise ValueError("a way ends at the key of its root")


def equalities(hop: Hop, here: str, there: str) -> list[sql.Composable]:
    """The conditions of one hop between two aliases."""
    pattern = _MATCHES[hop.match]
    return [
        *_typed(hop, here),
        *(
            sql.SQL(pattern).format(column(here, mine), column(there, theirs))
            for mine, theirs in zip(hop.columns, hop.references, strict=True)
        ),
    ]


def _typed(hop: Hop, here: str) -> list[sql.Composable]:
    """The row is one of those that take this step."""
    return [
        sql.SQL("{}::text = {}").format(column(here, name), _literal(value))
        for name, value in hop.where
    ]


def _literal(value: str) -> sql.SQL:
    """A text of the policy as a literal; a percent sign would be read as a place for a value."""
    quotes = "E'" + value.replace("\\", "\\\\").replace("'", "''").replace("%", "%%") + "'"
    return sql.SQL(quotes)


def same(left: Sequence[sql.Composable], right: Sequence[sql.Composable]) -> list[sql.Composable]:
    """Pairwise equality of two lists of columns."""
    return [sql.SQL("{} = {}").format(a, b) for a, b in zip(left, right, strict=True)]


def written_key(kind: Kind, key: sql.Composable) -> list[sql.Composable]:
    """The parts of a key that Lethe wrote down as text[], cast back to their types."""
    return [
        sql.SQL("{}[{}]::{}").format(key, sql.Literal(i), type_name(sql_type))
        for i, sql_type in enumerate(kind.types, start=1)
    ]


def is_written(kind: Kind, key: sql.Composable, own: Sequence[sql.Composable]) -> sql.Composable:
    """A key that Lethe wrote down names the subject of the columns `own`, however that is written
    by now; by text, which an index serves, where equal keys have one text."""
    if kind.spelt_once:
        return sql.SQL("{} = {}").format(key, key_text(own))
    return all_of(same(own, written_key(kind, key)))
