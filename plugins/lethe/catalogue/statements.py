"""Pieces of statements whose shape depends on the schema.

    column_list   t."a", t."b"
    key_as_text   t."a"::text, t."b"::text
    same_key      l."a" = r."x" AND l."b" = r."y"
    key_is_among  t."a" = ANY (…)  or  (t."a", t."b") IN (SELECT … unnest …): a condition
    given_keys    (SELECT … unnest …) AS given: a table of the keys, to be joined
    key_values    the values that the last two take

Execute them with values, if only `{}`: a percent sign in a name is doubled for the driver, which
halves it again only where it is given values.

Keys travel as text, a list for each key column, and are cast back in SQL. Give the types as
`Column.bare_type` tells them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from psycopg2 import extensions, sql

_AND = sql.SQL(" AND ")
_COMMA = sql.SQL(", ")


class Name(sql.Identifier):
    """A quoted identifier that survives the driver's own reading of percent signs."""

    def as_string(self, context: extensions.connection | extensions.cursor) -> str:
        return super().as_string(context).replace("%", "%%")


def sql_type(text: str) -> sql.SQL:
    """Put in a type as the catalogue spells it; never one that a user typed."""
    return sql.SQL(text.replace("%", "%%"))


def column(name: str, alias: str | None = None) -> Name:
    """Write one column, of an alias if there is one."""
    return Name(alias, name) if alias else Name(name)


def column_list(columns: Iterable[str], alias: str | None = None) -> sql.Composed:
    """Write columns with commas between."""
    return _COMMA.join(column(name, alias) for name in columns)


def key_as_text(columns: Iterable[str], alias: str | None = None) -> sql.Composed:
    """Write key columns in the form in which keys travel.

    The text of a date depends on DateStyle; the driver sets ISO when it connects.
    """
    return _COMMA.join(sql.SQL("{}::text").format(column(name, alias)) for name in columns)


def same_key(
    left: str, left_columns: Sequence[str], right: str, right_columns: Sequence[str]
) -> sql.Composed:
    """Say that two aliases agree in a key; a NULL agrees with nothing.

    Raises  ValueError if the keys are of different width, or of none
    """
    return _AND.join(
        sql.SQL("{} = {}").format(column(a, left), column(b, right))
        for a, b in _pairs(left_columns, right_columns)
    )


def key_is_among(
    alias: str, columns: Sequence[str], types: Sequence[str], prefix: str = "k"
) -> sql.Composed:
    """Say that the key of a row is one of those given as `%(k0)s`, `%(k1)s`, …

    types   the bare type of each column
    Raises  ValueError if columns and types are of different number, or none
    """
    pairs = _pairs(columns, types)
    if len(pairs) == 1 and not types[0].endswith("[]"):
        return sql.SQL("{} = ANY ({}::text[]::{}[])").format(
            column(columns[0], alias), sql.Placeholder(f"{prefix}0"), sql_type(types[0])
        )
    return sql.SQL("({}) IN ({})").format(column_list(columns, alias), _select_keys(types, prefix))


def given_keys(types: Sequence[str], prefix: str = "k", alias: str = "given") -> sql.Composed:
    """Write the given keys as a table with the columns `k0`, `k1`, …, to be joined.

    A key given twice is there twice.
    """
    return sql.SQL("({}) AS {}").format(_select_keys(types, prefix), Name(alias))


def key_values(
    keys: Iterable[Sequence[str]], width: int, prefix: str = "k"
) -> Mapping[str, list[str]]:
    """Turn keys into the values of `key_is_among` and `given_keys`.

    Raises  ValueError if a key is not of that width
    """
    values: dict[str, list[str]] = {f"{prefix}{place}": [] for place in range(width)}
    for key in keys:
        for place, part in zip(values, key, strict=True):
            values[place].append(part)
    return values


def _select_keys(types: Sequence[str], prefix: str) -> sql.Composed:
    names = [f"{prefix}{place}" for place in range(len(types))]
    return sql.SQL("SELECT {casts} FROM unnest({lists}) AS raw ({names})").format(
        casts=_COMMA.join(
            sql.SQL("{}::{} AS {}").format(column(name, "raw"), sql_type(type_), Name(name))
            for name, type_ in _pairs(names, types)
        ),
        lists=_COMMA.join(sql.SQL("{}::text[]").format(sql.Placeholder(name)) for name in names),
        names=column_list(names),
    )


def _pairs(left: Sequence[str], right: Sequence[str]) -> list[tuple[str, str]]:
    if not left:
        raise ValueError("a key has at least one column")
    return list(zip(left, right, strict=True))
