"""Archived keys beside today's warehouse, as SQL: who came back, whose key is another one now."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import all_of, any_of, column
from lethe.catalogue.graph import Kind
from lethe.catalogue.ways import is_written, same
from lethe.erasure.bare import is_bare

_FORMS = {
    "smallint": r"^-?[0-9]{1,4}$",
    "integer": r"^-?[0-9]{1,9}$",
    "bigint": r"^-?[0-9]{1,18}$",
    "oid": r"^[0-9]{1,9}$",
    "numeric": r"^(-?[0-9]+([.][0-9]+)?|NaN|-?Infinity)$",
    "uuid": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    "boolean": r"^(true|false)$",
    "date": r"^[0-9]{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])( BC)?$",
}
"""How PostgreSQL writes values of a type; a text that is none of it was a key of another type."""
_LONGEST = {
    "smallint": (r"^-?[0-9]{5}$", 2**15),
    "integer": (r"^-?[0-9]{10}$", 2**31),
    "bigint": (r"^-?[0-9]{19}$", 2**63),
    "oid": (r"^[0-9]{10}$", 2**32),
}
"""Numbers with as many digits as the largest have; those below the bound belong to the type."""


def is_of_form(key: sql.Composable, types: Sequence[str]) -> sql.Composable:
    """An archived key, as text[], can be a key of these types: no cast of it fails."""
    found: list[sql.Composable] = [
        sql.SQL("coalesce(array_length({}, 1), 0) = {}").format(key, sql.Literal(len(types)))
    ]
    for at, sql_type in enumerate(types, start=1):
        part = sql.SQL("{}[{}]").format(key, sql.Literal(at))
        if sql_type not in _FORMS:
            continue
        form = sql.SQL("{} ~ {}").format(part, sql.Literal(_FORMS[sql_type]))
        if sql_type in _LONGEST:
            longest, bound = _LONGEST[sql_type]
            text = "CASE WHEN {} THEN true WHEN {} ~ {} THEN abs({}::numeric) < {} ELSE false END"
            form = sql.SQL(text).format(form, part, sql.Literal(longest), part, sql.Literal(bound))
        found.append(form)
    return all_of(found)


def is_back(context: Context, kind: Kind, own: Sequence[sql.Composable]) -> sql.Composable:
    """A subject that was erased has a row again, which is more than what its erasure left of it.

    own  its key, as the warehouse types it
    """
    if kind.table is None:
        return sql.SQL("false")
    key = [column("s", name) for name in kind.key]
    text = "EXISTS (SELECT FROM {source} AS s WHERE {same} AND NOT {left})"
    skeleton = (
        "EXISTS (SELECT FROM lethe.skeleton AS b WHERE b.subject_kind = {kind}"
        " AND b.cluster = {cluster} AND {written}) AND {bare}"
    )
    left = [
        sql.SQL("({})").format(
            sql.SQL(skeleton).format(
                kind=context.values.bind(kind.name),
                cluster=context.values.bind(name),
                written=is_written(kind, sql.SQL("b.key"), key),
                bare=is_bare(context, kind.table, name),
            )
        )
        for name, members in context.graph.members.items()
        if any(member.table == kind.table for member in members)
    ]
    return sql.SQL(text).format(source=kind.source, same=all_of(same(key, own)), left=any_of(left))
