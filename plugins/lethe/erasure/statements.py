"""The statements of an erasure that change rows: each acts on the rows of one batch.

It returns, a key of its root, how many: `owner text[]`, `rows bigint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import Statement, Values, all_of, any_of, column, comma, type_name
from lethe.catalogue.graph import Anchor, Graph, Kind, Member, Reference, Way
from lethe.catalogue.ways import walk
from lethe.erasure.rows import (
    anchored_in,
    named,
    owner_types,
    points_at,
    root_in_batch,
    rows_of,
    stays_behind,
)
from lethe.erasure.steps import Blanking, Steps
from lethe.policy.names import TableName, quoted


def cut_links(graph: Graph, anchor: Anchor, way: Way, kind: Kind) -> Statement | None:
    """Null the links of an anchor's staying rows to the batch; None for an association table.

    rows  the anchor's staying rows
    """
    hop = way[0]
    if not hop.to_one:
        return None
    nulled = graph.cuttable(anchor.table, hop.columns)
    walked = walk(way, "a")
    types = owner_types(graph, anchor.table, way)
    rooted = root_in_batch(kind, walked.owner, types, joined=True)
    return _update(
        sql.SQL("{} AS a").format(anchor.table.identifier),
        _nulls(nulled),
        (*walked.tables, *rooted.tables),
        (
            *walked.conditions,
            *rooted.where,
            anchored_in(anchor, [column("a", name) for name in anchor.key]),
        ),
        rooted.key,
        Values(),
    )


def unlink(graph: Graph, kind: Kind, member: Member, ref: Reference, as_of: date) -> Statement:
    """Null what points at the batch's rows of a member, in rows that stay."""
    context = Context(graph, as_of, Values())
    found = rows_of(context, kind, member, "t")
    nulled = graph.cuttable(ref.child, ref.columns)
    return _update(
        sql.SQL("{} AS x").format(ref.child.identifier),
        _nulls(nulled),
        (named(member, "t"), *found.tables),
        (*found.where, points_at(ref, "x", "t"), *stays_behind(context, kind, member, ref)),
        found.key,
        context.values,
    )


def cut(graph: Graph, kind: Kind, member: Member, ref: Reference, as_of: date) -> Statement:
    """Null a reference held by the batch's own rows, to break a circle."""
    context = Context(graph, as_of, Values())
    found = rows_of(context, kind, member, "t", joined=True)
    nulled = graph.cuttable(ref.child, ref.columns)
    present = any_of(sql.SQL("{} IS NOT NULL").format(column("t", name)) for name in nulled)
    return _update(
        named(member, "t"),
        _nulls(nulled),
        found.tables,
        (*found.where, present),
        found.key,
        context.values,
    )


def delete(
    graph: Graph,
    kind: Kind,
    member: Member,
    spared: Sequence[Reference],
    as_of: date,
    *,
    cut_off: date | None = None,
) -> Statement:
    """Delete the batch's rows of a member, except those that a row from outside references.

    cut_off  adds a column `newest`: the last day of activity after that day, if there was any
    """
    context = Context(graph, as_of, Values())
    gone = _deleting(context, kind, member, spared, cut_off)
    newest = sql.SQL(
        "" if cut_off is None or member.activity is None else ", max(newest) AS newest"
    )
    text = "WITH gone AS ({gone}) SELECT owner, count(*) AS rows{newest} FROM gone GROUP BY owner"
    return Statement(sql.SQL(text).format(gone=gone, newest=newest), context.values.bound)


def delete_together(
    graph: Graph,
    kind: Kind,
    members: Sequence[Member],
    as_of: date,
    *,
    cut_off: date | None = None,
) -> Statement:
    """Delete the batch's rows of members whose foreign keys form a circle, in one statement.

    Returns  before owner, rows and newest the place of the member: all see the rows as they were,
             and the constraints are checked when all are gone
    """
    context = Context(graph, as_of, Values())
    names = [quoted(f"gone{place}") for place in range(len(members))]
    gone = [_deleting(context, kind, member, (), cut_off) for member in members]
    counted = [
        sql.SQL("SELECT {} AS place, owner, count(*) AS rows, {} FROM {} GROUP BY owner").format(
            sql.Literal(place),
            sql.SQL("NULL::date" if cut_off is None or member.activity is None else "max(newest)"),
            name,
        )
        for place, (member, name) in enumerate(zip(members, names, strict=True))
    ]
    return Statement(
        sql.SQL("WITH {} {}").format(
            comma(
                sql.SQL("{} AS ({})").format(name, text)
                for name, text in zip(names, gone, strict=True)
            ),
            sql.SQL(" UNION ALL ").join(counted),
        ),
        context.values.bound,
    )


def _deleting(
    context: Context,
    kind: Kind,
    member: Member,
    spared: Sequence[Reference],
    cut_off: date | None,
) -> sql.Composed:
    found = rows_of(context, kind, member, "t")
    unreferenced: list[sql.Composable] = [
        sql.SQL("NOT EXISTS (SELECT FROM {child} AS x WHERE {points})").format(
            child=ref.child.identifier, points=points_at(ref, "x", "t")
        )
        for ref in spared
    ]
    using = sql.SQL("USING {}").format(comma(found.tables)) if found.tables else sql.SQL("")
    text = "DELETE FROM {table} {using} WHERE {where} RETURNING {key} AS owner{newer}"
    return sql.SQL(text).format(
        table=named(member, "t"),
        using=using,
        where=all_of([*found.where, *unreferenced]),
        key=found.key,
        newer=_newer(context, member, cut_off),
    )


def tell_of_newer(steps: Steps) -> frozenset[TableName]:
    """Tables whose rows all go with their subject, and are looked at for newer ones as they go."""
    return frozenset(
        member.table
        for member in steps.deletes
        if member.activity and member.action.do == "erase" and member.anchor is None
        if tuple(member.ways) == (member.way,) and not member.where
    )


def _newer(context: Context, member: Member, cut_off: date | None) -> sql.Composable:
    if cut_off is None or member.activity is None:
        return sql.SQL("")
    sql_type = context.graph.column_type(member.table, member.activity)
    day = day_sql(context, column("t", member.activity), sql_type)
    return sql.SQL(", CASE WHEN {0} > {1}::date THEN {0} END AS newest").format(
        day, context.values.bind(cut_off)
    )


def blank(graph: Graph, kind: Kind, blanking: Blanking, as_of: date) -> Statement | None:
    """Blank the personal columns of the batch's rows that stay."""
    context = Context(graph, as_of, Values())
    member = blanking.member
    changed = {*blanking.nulled, *(name for name, _ in blanking.replaced)}
    found = rows_of(context, kind, member, "t", joined=bool(changed & set(member.way[0].columns)))
    sets = [sql.SQL("{} = NULL").format(quoted(name)) for name in blanking.nulled]
    sets += [_replaced(graph, context, member, name, text) for name, text in blanking.replaced]
    if not sets:
        return None
    return _update(
        named(member, "t"), comma(sets), found.tables, found.where, found.key, context.values
    )


def _replaced(graph: Graph, context: Context, member: Member, name: str, text: str) -> sql.Composed:
    """A fixed text; `{token}` in it is random, so that a unique column stays unique."""
    sql_type = type_name(graph.column_type(member.table, name))
    value = context.values.bind(text)
    if "{token}" in text:
        pattern = "{} = replace({}, '{{token}}', replace(gen_random_uuid()::text, '-', ''))::{}"
        return sql.SQL(pattern).format(quoted(name), value, sql_type)
    return sql.SQL("{} = {}::{}").format(quoted(name), value, sql_type)


def _nulls(names: Sequence[str]) -> sql.Composed:
    return comma(sql.SQL("{} = NULL").format(quoted(name)) for name in names)


def _update(
    table: sql.Composable,
    sets: sql.Composable,
    tables: Sequence[sql.Composable],
    where: Sequence[sql.Composable],
    key: sql.Composable,
    values: Values,
) -> Statement:
    text = (
        "WITH gone AS (UPDATE {table} SET {sets} {source} WHERE {where} RETURNING {key} AS owner)"
        " SELECT owner, count(*) AS rows FROM gone GROUP BY owner"
    )
    source = sql.SQL("FROM {}").format(comma(tables)) if tables else sql.SQL("")
    return Statement(
        sql.SQL(text).format(table=table, sets=sets, source=source, where=all_of(where), key=key),
        values.bound,
    )
