"""A row as one text: everything in it that may hold a long number or words.

Whatever is not known to be short is taken: a type that nobody thought of is searched too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from psycopg2 import sql

from lethe.catalogue.model import Column

SHORTEST = 13
"""Digits of the shortest card number; an account number is longer."""
_LARGEST_BYTES = 100_000
_AT_ONCE = 60
"""A function takes a hundred arguments; a table may have sixteen hundred columns."""

_SHORT = frozenset(
    {
        *("boolean", "smallint", "integer", "oid", "uuid", "real", '"char"', "bit", "bit varying"),
        *("date", "time without time zone", "time with time zone", "interval"),
        *("timestamp without time zone", "timestamp with time zone", "pg_lsn", "xid", "xid8"),
        *("inet", "cidr", "macaddr", "macaddr8", "regclass", "regtype", "regproc", "tid"),
        *("point", "line", "lseg", "box", "path", "polygon", "circle"),
        *("int4range", "daterange", "tsrange", "tstzrange", "tsquery"),
        *("int4multirange", "datemultirange", "tsmultirange", "tstzmultirange"),
    }
)
_LIMITED = re.compile(r"^(?:character|character varying|bpchar)\((\d+)\)$")


def row_text(
    columns: Iterable[Column], without: Mapping[str, str] = MappingProxyType({})
) -> sql.Composed | None:
    """Everything in a row `m` that may hold digits or words, as one text; None if nothing may.

    Columns are parted by a control character that no number runs across.
    without  column → pattern of what is left out of it
    """
    parts: Sequence[sql.Composable] = [
        sql.SQL("regexp_replace({}, {}, 'x', 'g')").format(
            plain_text(column), sql.Literal(without[column.name].replace("%", "%%"))
        )
        if column.name in without
        else as_text(column)
        for column in columns
        if holds_text(column)
    ]
    if not parts:
        return None
    while len(parts) > _AT_ONCE:
        parts = [_joined(parts[at : at + _AT_ONCE]) for at in range(0, len(parts), _AT_ONCE)]
    # One collation, whatever the columns have: two that differ leave a pattern without any.
    return sql.SQL('({} COLLATE "C")').format(_joined(parts))


def _joined(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL("concat_ws(chr(1), {})").format(sql.SQL(", ").join(parts))


def holds_text(column: Column) -> bool:
    """The column may hold a number of thirteen digits, or words."""
    base = column.element_type or column.base_type
    if column.type_kind == "enum" or _bare(base) in _SHORT:
        return False
    limit = _LIMITED.match(base)
    return limit is None or column.is_array or int(limit[1]) >= SHORTEST


def is_number(column: Column) -> bool:
    """A single number that is large enough for a card."""
    return not column.is_array and _bare(column.base_type) in ("bigint", "numeric")


def _bare(sql_type: str) -> str:
    return re.sub(r"\([^)]*\)", "", sql_type).strip()


def plain_text(column: Column) -> sql.Composed:
    """A column of rows `m` as text that patterns may be matched with, whatever its collation."""
    return sql.SQL('(m.{}::text COLLATE "C")').format(
        sql.Identifier(column.name.replace("%", "%%"))
    )


def as_text(column: Column) -> sql.Composed:
    """A column as text, as cheaply as its type allows; NULL where it is too small to matter."""
    name = sql.SQL("m.{}").format(sql.Identifier(column.name.replace("%", "%%")))
    base = _bare(column.element_type or column.base_type)
    if column.is_array:
        each = "(SELECT string_agg(to_char(u, 'FM9999999999999999999'), ' ') FROM unnest({}) AS u)"
        return sql.SQL(each if base == "double precision" else "{}::text").format(name)
    if base in ("bigint", "numeric"):
        small = "CASE WHEN {0} NOT BETWEEN -999999999999 AND 999999999999 THEN {0}::text END"
        return sql.SQL(small).format(name)
    if base == "double precision":
        large = "CASE WHEN {0} BETWEEN 1e12 AND 1e19 THEN to_char({0}, 'FM9999999999999999999') END"
        return sql.SQL(large).format(name)
    if base == "money":
        return sql.SQL("{}::numeric::text").format(name)
    if base == "bytea":
        written = "CASE WHEN octet_length({0}) BETWEEN {1} AND {2} THEN encode({0}, 'escape') END"
        return sql.SQL(written).format(name, sql.Literal(SHORTEST), sql.Literal(_LARGEST_BYTES))
    return sql.SQL("{}::text").format(name)
