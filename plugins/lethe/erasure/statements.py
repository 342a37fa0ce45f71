"""The statements of an erasure: each acts on the rows of one batch, given by its keys.

A statement that deletes or changes rows returns, a key of its root, how many: `owner text[]`,
`rows bigint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.fragments import (
    Statement,
    Values,
    all_of,
    any_of,
    column,
    comma,
    in_anchored,
    in_batch,
    key_text,
    type_name,
)
from lethe.catalogue.graph import Anchor, Graph, Kind, Member, Reference, Way
from lethe.catalogue.ways import walk
from lethe.erasure.steps import Blanking
from lethe.policy.names import TableName, quoted


def _rooted(kind: Kind, member: Member, owner: Sequence[sql.Composable]) -> sql.Composed:
    """The owner columns name a root of the batch: a subject, or a going row of the anchor."""
    if member.anchor is not None:
        return in_anchored(owner, member.anchor.types)
    return in_batch(owner, kind.types)


def _rows_of(
    context: Context, kind: Kind, member: Member, alias: str
) -> tuple[list[sql.Composable], list[sql.Composable], Sequence[sql.Composable]]:
    """FROM list, WHERE list and owner columns of a member's rows in the batch."""
    walked = walk(member.way, alias)
    row = Row(alias, member.table, kind)
    where = [
        *walked.conditions,
        _rooted(kind, member, walked.owner),
        *([conditions_sql(context, row, member.where)] if member.where else []),
    ]
    return list(walked.tables), where, walked.owner


def _named(member: Member, alias: str) -> sql.Composed:
    only = sql.SQL("ONLY " if member.only else "")
    return sql.SQL("{}{} AS {}").format(only, member.table.identifier, quoted(alias))


def _points_at(ref: Reference, child: str, parent: str) -> sql.Composable:
    return all_of(
        sql.SQL("{} = {}").format(column(child, mine), column(parent, theirs))
        for mine, theirs in zip(ref.columns, ref.references, strict=True)
    )


def lock_subjects(kind: Kind) -> Statement:
    """Lock the batch's subjects that nobody else is working on; gives their keys."""
    if kind.table is None:
        raise ValueError("a subject that is a query has no row to lock")
    own = [column("s", name) for name in kind.key]
    text = (
        "SELECT {key} AS owner FROM {table} AS s WHERE {where} ORDER BY {own}"
        " FOR UPDATE OF s SKIP LOCKED"
    )
    return Statement(
        sql.SQL(text).format(
            key=key_text(own),
            table=kind.table.identifier,
            where=in_batch(own, kind.types),
            own=comma(own),
        )
    )


def lock_rows(kind: Kind, table: TableName, way: Way) -> Statement:
    """Lock the batch's rows of a table that decides about the starting point."""
    walked = walk(way, "t")
    where = all_of([*walked.conditions, in_batch(walked.owner, kind.types)])
    return Statement(
        sql.SQL("SELECT FROM {source} WHERE {where} FOR UPDATE OF t").format(
            source=walked.source(sql.SQL("{} AS t").format(table.identifier)), where=where
        )
    )


def find_anchored(kind: Kind, anchor: Anchor) -> Statement:
    """Lock the rows of an anchor that hang on the batch; gives their keys."""
    own = [column("a", name) for name in anchor.key]
    parts = []
    for way in anchor.ways:
        walked = walk(way, "t")
        text = "SELECT {own} FROM {source} WHERE {where}"
        parts.append(
            sql.SQL(text).format(
                own=comma(column("t", name) for name in anchor.key),
                source=walked.source(sql.SQL("{} AS t").format(anchor.table.identifier)),
                where=all_of([*walked.conditions, in_batch(walked.owner, kind.types)]),
            )
        )
    text = (
        "SELECT {key} AS owner FROM {table} AS a WHERE ({own}) IN ({parts})"
        " ORDER BY {own} FOR UPDATE OF a"
    )
    return Statement(
        sql.SQL(text).format(
            key=key_text(own),
            table=anchor.table.identifier,
            own=comma(own),
            parts=sql.SQL(" UNION ").join(parts),
        )
    )


def find_going(graph: Graph, kind: Kind, anchor: Anchor, as_of: date) -> Statement:
    """Of an anchor's rows on the batch, those that hang on nobody else; gives their keys.

    rows  the anchor's rows as anchor0…
    """
    context = Context(graph, as_of, Values())
    own = [column("a", name) for name in anchor.key]
    others = []
    for number, way in enumerate(anchor.ways):
        alias = f"o{number}"
        walked = walk(way, alias)
        elsewhere = sql.SQL("NOT ({})").format(in_batch(walked.owner, kind.types))
        same_row = [
            sql.SQL("{} = {}").format(column(alias, name), column("a", name)) for name in anchor.key
        ]
        others.append(
            sql.SQL("EXISTS (SELECT FROM {source} WHERE {where})").format(
                source=walked.source(
                    sql.SQL("{} AS {}").format(anchor.table.identifier, quoted(alias))
                ),
                where=all_of([*same_row, *walked.conditions, elsewhere]),
            )
        )
    text = "SELECT {key} AS owner FROM {table} AS a WHERE {among} AND NOT {others} AND {where}"
    row = Row("a", anchor.table, kind)
    return Statement(
        sql.SQL(text).format(
            key=key_text(own),
            table=anchor.table.identifier,
            among=in_anchored(own, anchor.types),
            others=any_of(others),
            where=conditions_sql(context, row, anchor.where),
        ),
        context.values.bound,
    )


def cut_links(graph: Graph, anchor: Anchor, way: Way, kind: Kind) -> Statement | None:
    """Null the links of an anchor's staying rows to the batch; None for an association table.

    rows  the anchor's staying rows as anchor0…
    """
    hop = way[0]
    if not hop.to_one:
        return None
    table = graph.catalogue.tables[anchor.table]
    nulled = [name for name in hop.columns if table.columns[name].may_be_nulled]
    walked = walk(way, "a")
    text = (
        "WITH gone AS (UPDATE {table} AS a SET {nulls} {source} WHERE {where}"
        " RETURNING {key} AS owner) SELECT owner, count(*) AS rows FROM gone GROUP BY owner"
    )
    source = sql.SQL("FROM {}").format(comma(walked.tables)) if walked.tables else sql.SQL("")
    return Statement(
        sql.SQL(text).format(
            table=anchor.table.identifier,
            nulls=comma(sql.SQL("{} = NULL").format(quoted(name)) for name in nulled),
            source=source,
            where=all_of(
                [
                    *walked.conditions,
                    in_batch(walked.owner, kind.types),
                    in_anchored([column("a", name) for name in anchor.key], anchor.types),
                ]
            ),
            key=key_text(walked.owner),
        )
    )


def find_barred(graph: Graph, kind: Kind, member: Member, ref: Reference) -> Statement:
    """Keys of the batch whose row a row from outside references."""
    context = Context(graph, date.min, Values())
    tables, where, owner = _rows_of(context, kind, member, "t")
    child = sql.SQL("{} AS x").format(ref.child.identifier)
    own = _not_in_batch(graph, kind, member, ref)
    source = sql.SQL(", ").join([_named(member, "t"), *tables, child])
    text = "SELECT DISTINCT {key} AS owner FROM {source} WHERE {where}"
    return Statement(
        sql.SQL(text).format(
            key=key_text(owner),
            source=source,
            where=all_of([*where, _points_at(ref, "x", "t"), *own]),
        ),
        context.values.bound,
    )


def _not_in_batch(graph: Graph, kind: Kind, member: Member, ref: Reference) -> list[sql.Composable]:
    """Rows of a table of the same cluster that go with the batch do not bar it."""
    inside = [m for m in graph.members[member.cluster] if m.table == ref.child]
    if not inside or inside[0].action.do != "erase" or inside[0].where:
        return []
    walked = walk(inside[0].way, "y")
    same_row = [
        sql.SQL("{} = {}").format(column("y", name), column("x", name))
        for name in inside[0].unique_key or inside[0].way[0].columns
    ]
    text = "NOT EXISTS (SELECT FROM {source} WHERE {where})"
    return [
        sql.SQL(text).format(
            source=walked.source(sql.SQL("{} AS y").format(ref.child.identifier)),
            where=all_of([*same_row, *walked.conditions, _rooted(kind, inside[0], walked.owner)]),
        )
    ]


def unlink(graph: Graph, kind: Kind, member: Member, ref: Reference) -> Statement:
    """Null what points at the batch's rows of a member."""
    context = Context(graph, date.min, Values())
    tables, where, owner = _rows_of(context, kind, member, "t")
    known = graph.catalogue.tables[ref.child]
    nulled = [name for name in ref.columns if known.columns[name].may_be_nulled]
    text = (
        "WITH gone AS (UPDATE {child} AS x SET {nulls} FROM {source} WHERE {where}"
        " RETURNING {key} AS owner) SELECT owner, count(*) AS rows FROM gone GROUP BY owner"
    )
    return Statement(
        sql.SQL(text).format(
            child=ref.child.identifier,
            nulls=comma(sql.SQL("{} = NULL").format(quoted(name)) for name in nulled),
            source=sql.SQL(", ").join([_named(member, "t"), *tables]),
            where=all_of([*where, _points_at(ref, "x", "t")]),
            key=key_text(owner),
        ),
        context.values.bound,
    )


def cut(graph: Graph, kind: Kind, member: Member, ref: Reference) -> Statement:
    """Null a reference held by the batch's own rows, to break a circle."""
    context = Context(graph, date.min, Values())
    tables, where, _ = _rows_of(context, kind, member, "t")
    known = graph.catalogue.tables[ref.child]
    nulled = [name for name in ref.columns if known.columns[name].may_be_nulled]
    source = sql.SQL("FROM {}").format(comma(tables)) if tables else sql.SQL("")
    present = any_of(sql.SQL("{} IS NOT NULL").format(column("t", name)) for name in nulled)
    return Statement(
        sql.SQL("UPDATE {table} SET {nulls} {source} WHERE {where}").format(
            table=_named(member, "t"),
            nulls=comma(sql.SQL("{} = NULL").format(quoted(name)) for name in nulled),
            source=source,
            where=all_of([*where, present]),
        ),
        context.values.bound,
    )


def delete(
    graph: Graph, kind: Kind, member: Member, spared: Sequence[Reference], as_of: date
) -> Statement:
    """Delete the batch's rows of a member, except those that a row from outside references."""
    context = Context(graph, as_of, Values())
    tables, where, owner = _rows_of(context, kind, member, "t")
    unreferenced: list[sql.Composable] = [
        sql.SQL("NOT EXISTS (SELECT FROM {child} AS x WHERE {points})").format(
            child=ref.child.identifier, points=_points_at(ref, "x", "t")
        )
        for ref in spared
    ]
    using = sql.SQL("USING {}").format(comma(tables)) if tables else sql.SQL("")
    text = (
        "WITH gone AS (DELETE FROM {table} {using} WHERE {where} RETURNING {key} AS owner)"
        " SELECT owner, count(*) AS rows FROM gone GROUP BY owner"
    )
    return Statement(
        sql.SQL(text).format(
            table=_named(member, "t"),
            using=using,
            where=all_of([*where, *unreferenced]),
            key=key_text(owner),
        ),
        context.values.bound,
    )


def blank(graph: Graph, kind: Kind, blanking: Blanking, as_of: date) -> Statement | None:
    """Blank the personal columns of the batch's rows that stay."""
    context = Context(graph, as_of, Values())
    member = blanking.member
    tables, where, owner = _rows_of(context, kind, member, "t")
    sets = [sql.SQL("{} = NULL").format(quoted(name)) for name in blanking.nulled]
    sets += [_replaced(graph, context, member, name, text) for name, text in blanking.replaced]
    if not sets:
        return None
    source = sql.SQL("FROM {}").format(comma(tables)) if tables else sql.SQL("")
    text = (
        "WITH gone AS (UPDATE {table} SET {sets} {source} WHERE {where} RETURNING {key} AS owner)"
        " SELECT owner, count(*) AS rows FROM gone GROUP BY owner"
    )
    return Statement(
        sql.SQL(text).format(
            table=_named(member, "t"),
            sets=comma(sets),
            source=source,
            where=all_of(where),
            key=key_text(owner),
        ),
        context.values.bound,
    )


def _replaced(graph: Graph, context: Context, member: Member, name: str, text: str) -> sql.Composed:
    """A fixed text; `{token}` in it is random, so that a unique column stays unique."""
    sql_type = type_name(graph.column_type(member.table, name))
    value = context.values.bind(text)
    if "{token}" in text:
        pattern = "{} = replace({}, '{{token}}', replace(gen_random_uuid()::text, '-', ''))::{}"
        return sql.SQL(pattern).format(quoted(name), value, sql_type)
    return sql.SQL("{} = {}::{}").format(quoted(name), value, sql_type)


def read_columns(graph: Graph, kind: Kind, member: Member, columns: Sequence[str]) -> Statement:
    """Read columns of the batch's rows as text, with the key of their root: owner, values."""
    context = Context(graph, date.min, Values())
    tables, where, owner = _rows_of(context, kind, member, "t")
    text = "SELECT {key} AS owner, {columns} FROM {source} WHERE {where}"
    return Statement(
        sql.SQL(text).format(
            key=key_text(owner),
            columns=comma(sql.SQL("{}::text").format(column("t", name)) for name in columns),
            source=sql.SQL(", ").join([_named(member, "t"), *tables]),
            where=all_of(where),
        ),
        context.values.bound,
    )


def read_subjects(kind: Kind, columns: Sequence[str]) -> Statement:
    """Read columns of the batch's subjects as text: owner, values."""
    if kind.table is None:
        raise ValueError("a subject that is a query has no row of its own")
    own = [column("s", name) for name in kind.key]
    return Statement(
        sql.SQL("SELECT {key} AS owner, {columns} FROM {table} AS s WHERE {where}").format(
            key=key_text(own),
            columns=comma(sql.SQL("{}::text").format(column("s", name)) for name in columns),
            table=kind.table.identifier,
            where=in_batch(own, kind.types),
        )
    )


def count_remaining(graph: Graph, kind: Kind, member: Member) -> Statement:
    """Count the batch's rows of a member that are still there."""
    context = Context(graph, date.min, Values())
    tables, where, _ = _rows_of(context, kind, member, "t")
    return Statement(
        sql.SQL("SELECT count(*) FROM {source} WHERE {where}").format(
            source=sql.SQL(", ").join([_named(member, "t"), *tables]), where=all_of(where)
        ),
        context.values.bound,
    )


def count_unblanked(graph: Graph, kind: Kind, blanking: Blanking) -> Statement:
    """Count the batch's rows that stay and still hold what should be blank."""
    context = Context(graph, date.min, Values())
    member = blanking.member
    tables, where, _ = _rows_of(context, kind, member, "t")
    full = any_of(sql.SQL("{} IS NOT NULL").format(column("t", name)) for name in blanking.nulled)
    return Statement(
        sql.SQL("SELECT count(*) FROM {source} WHERE {where}").format(
            source=sql.SQL(", ").join([_named(member, "t"), *tables]),
            where=all_of([*where, full]),
        ),
        context.values.bound,
    )


def find_returned(kind: Kind, cluster: str) -> Statement:
    """Numbers of the batch's subjects whose key is in use again, and not by a skeleton."""
    if kind.table is None:
        raise ValueError("a subject that is a query has no row of its own")
    values = Values()
    matched = all_of(
        sql.SQL("{} = p.key[{}]::{}").format(column("s", name), sql.Literal(i), type_name(sql_type))
        for i, (name, sql_type) in enumerate(zip(kind.key, kind.types, strict=True), start=1)
    )
    text = (
        "SELECT p.subject_no FROM lethe.plan_subject AS p JOIN {table} AS s ON {matched}"
        " WHERE p.run_id = %(run_id)s AND p.rule = %(rule)s AND p.subject_no = ANY(%(numbers)s)"
        " AND NOT EXISTS (SELECT FROM lethe.skeleton AS b WHERE b.subject_kind = {kind}"
        " AND b.cluster = {cluster} AND b.key = p.key)"
    )
    return Statement(
        sql.SQL(text).format(
            table=kind.table.identifier,
            matched=matched,
            kind=values.bind(kind.name),
            cluster=values.bind(cluster),
        ),
        values.bound,
    )
