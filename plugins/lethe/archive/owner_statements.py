"""Whose a document is, as SQL: pure, from policy and catalogue."""

from __future__ import annotations

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import all_of, column, comma, key_text
from lethe.catalogue.graph import Kind
from lethe.catalogue.ways import same, walk
from lethe.guards.bound import lost
from lethe.policy.names import TableName


def owner_of(context: Context, kind: Kind, table: TableName) -> sql.Composable:
    """The subject of a document: owner (text[]) and k0, k1, …; no row where there is none.

    Where equal keys may be written differently (1.0 and 1.00), as the subject's own row writes it:
    so the erasure does that freezes its clock.
    """
    own = tuple(column("s", name) for name in kind.key)
    found = []
    for way in context.graph.ways.get((kind.name, table), ()):
        walked = walk(way, "d")
        where = [
            *walked.conditions,
            *(sql.SQL("{} IS NOT NULL").format(part) for part in walked.owner),
        ]
        tables = [*walked.tables]
        if kind.spelt_once:
            where.append(_there(kind, walked.owner))
        else:
            tables.append(sql.SQL("{} AS s").format(kind.source))
            where += same(own, walked.owner)
        key = walked.owner if kind.spelt_once else own
        found.append(
            sql.SQL("SELECT {key} AS owner, {names} {source} WHERE {where}").format(
                key=key_text(key),
                names=comma(
                    sql.SQL("{} AS {}").format(part, sql.Identifier(f"k{i}"))
                    for i, part in enumerate(key)
                ),
                source=sql.SQL("FROM {}").format(comma(tables)) if tables else sql.SQL(""),
                where=all_of(where),
            )
        )
    if not found:
        raise lost(table, kind.name)
    # Of a group of rows that write it differently, always the same one.
    order = sql.SQL("" if kind.spelt_once else " ORDER BY 1")
    return sql.SQL("{}{} LIMIT 1").format(sql.SQL(" UNION ALL ").join(found), order)


def _there(kind: Kind, owner: tuple[sql.Composable, ...]) -> sql.Composable:
    own = [column("s", name) for name in kind.key]
    return sql.SQL("EXISTS (SELECT FROM {} AS s WHERE {})").format(
        kind.source, all_of(same(own, owner))
    )
