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
    """A statement and its values; those of a batch come on top (see `in_batch`)."""

    text: sql.Composable
    values: Mapping[str, object] = field(default_factory=dict)


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


def type_name(sql_type: str) -> sql.SQL:
    """A type as the catalogue spells it (format_type quotes what needs it)."""
    return sql.SQL(sql_type.replace("%", "%%"))


def is_array(sql_type: str) -> bool:
    """Whether a type is an array: of such there is no list, for arrays of arrays are one array."""
    return sql_type.endswith("]")


ONE_SPELLING = frozenset({"smallint", "integer", "bigint", "oid", "uuid", "date", "boolean"})
"""Types of which equal values have the same text: 1.0 = 1.00 and 'ABC' = 'abc' are others."""
BATCH = "lethe.batch"
"""The setting that holds the keys of the batch, until the transaction ends."""


def in_batch(owner: Sequence[sql.Composable], types: Sequence[str]) -> sql.Composed:
    """The owner columns name a subject of the batch.

    The batch is rows of the frozen set, called by number: keys do not travel in statements that
    the server may log. Those of one column were put by `set_batch`, in the server, into a setting
    of the transaction, so that a batch reads the frozen set once and not in each statement.

    values  run_id (uuid), rule (text), numbers (bigint[])
    """
    if len(types) == 1 and not is_array(types[0]):
        # A subselect, so that the planner does not look at hundreds of keys for each statement.
        return sql.SQL("{0} = ANY((SELECT current_setting({1})::{2}[])::{2}[])").format(
            owner[0], sql.Literal(BATCH), type_name(types[0])
        )
    return sql.SQL("({}) IN ({})").format(comma(owner), keys_of_batch(types))


def keys_of_batch(types: Sequence[str]) -> sql.Composed:
    """Select the keys of the batch, cast back to their types."""
    keys = comma(
        sql.SQL("b.key[{}]::{}").format(sql.Literal(i), type_name(sql_type))
        for i, sql_type in enumerate(types, start=1)
    )
    return sql.SQL(
        "SELECT {} FROM lethe.plan_subject AS b WHERE b.run_id = %(run_id)s AND b.rule = %(rule)s"
        " AND b.subject_no = ANY(%(numbers)s)"
    ).format(keys)


def key_text(owner: Sequence[sql.Composable]) -> sql.Composed:
    """A key as text[], PostgreSQL's text form of each column."""
    return sql.SQL("ARRAY[{}]").format(comma(sql.SQL("{}::text").format(part) for part in owner))
