"""Pieces of statements: SQL that quotes its names, and the values that travel bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg2 import sql

from lethe.policy.names import quoted


@dataclass(slots=True)
class Values:
    """Collect bound values; each gets a name of its own."""

    bound: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object) -> sql.Placeholder:
        """Keep a value and give the placeholder that stands for it."""
        name = f"v{len(self.bound)}"
        self.bound[name] = value
        return sql.Placeholder(name)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and its values; the keys of a batch come on top (`keys`)."""

    text: sql.Composable
    values: Mapping[str, object] = field(default_factory=dict)

    def with_keys(self, keys: Sequence[Sequence[str]]) -> dict[str, object]:
        """Give the values together with the keys of a batch.

        keys  one sequence a subject, PostgreSQL's text form of each key column
        """
        columns = zip(*keys, strict=True) if keys else ()
        arrays = {f"key{i}": list(column) for i, column in enumerate(columns)}
        return {**self.values, **arrays}


def column(alias: str, name: str) -> sql.Composed:
    """A column of an alias, quoted."""
    return sql.SQL("{}.{}").format(quoted(alias), quoted(name))


def all_of(conditions: Iterable[sql.Composable]) -> sql.Composable:
    """Join conditions with AND; none means true."""
    found = list(conditions)
    return sql.SQL(" AND ").join(found) if found else sql.SQL("true")


def any_of(conditions: Iterable[sql.Composable]) -> sql.Composable:
    """Join conditions with OR; none means false."""
    found = list(conditions)
    if not found:
        return sql.SQL("false")
    return sql.SQL("({})").format(sql.SQL(" OR ").join(found))


def comma(items: Iterable[sql.Composable]) -> sql.Composed:
    """Join with commas."""
    return sql.SQL(", ").join(list(items))


def key_array(position: int, sql_type: str) -> sql.Composed:
    """The array of the batch's keys at a position, cast to the type of the key column."""
    return sql.SQL("{}::text[]::{}[]").format(
        sql.Placeholder(f"key{position}"), type_name(sql_type)
    )


def type_name(sql_type: str) -> sql.SQL:
    """A type as the catalogue spells it (format_type quotes what needs it)."""
    return sql.SQL(sql_type)


def in_batch(owner: Sequence[sql.Composable], types: Sequence[str]) -> sql.Composed:
    """The owner columns name one of the batch's keys."""
    if len(types) == 1:
        return sql.SQL("{} = ANY({})").format(owner[0], key_array(0, types[0]))
    arrays = comma(key_array(i, sql_type) for i, sql_type in enumerate(types))
    return sql.SQL("({}) IN (SELECT * FROM unnest({}))").format(comma(owner), arrays)


def key_text(owner: Sequence[sql.Composable]) -> sql.Composed:
    """A key as text[], PostgreSQL's text form of each column."""
    return sql.SQL("ARRAY[{}]").format(comma(sql.SQL("{}::text").format(part) for part in owner))
