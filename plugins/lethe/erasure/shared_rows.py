"""The statements that look at rows which hang on several subjects."""

from __future__ import annotations

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
    key_text,
)
from lethe.catalogue.graph import Anchor, Graph, Kind, Way
from lethe.catalogue.ways import walk
from lethe.erasure.rows import (
    anchored_in,
    owner_types,
    root_in_batch,
)


def find_anchored(graph: Graph, kind: Kind, anchor: Anchor) -> Statement:
    """Lock the rows of an anchor that hang on the batch; gives their keys."""
    own = [column("a", name) for name in anchor.key]
    parts = []
    for way in anchor.ways:
        walked = walk(way, "t")
        rooted = root_in_batch(kind, walked.owner, owner_types(graph, anchor.table, way))
        parts.append(
            sql.SQL("SELECT {own} FROM {source} WHERE {where}").format(
                own=comma(column("t", name) for name in anchor.key),
                source=comma(
                    [
                        walked.source(sql.SQL("{} AS t").format(anchor.table.identifier)),
                        *rooted.tables,
                    ]
                ),
                where=all_of([*walked.conditions, *rooted.where]),
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
    """Of an anchor's rows on the batch, those that hang on nobody else; gives their keys."""
    context = Context(graph, as_of, Values())
    own = [column("a", name) for name in anchor.key]
    others = [_hangs_elsewhere(graph, kind, anchor, way) for way in anchor.ways]
    text = "SELECT {key} AS owner FROM {table} AS a WHERE {among} AND NOT {others} AND {where}"
    row = Row("a", anchor.table, kind)
    return Statement(
        sql.SQL(text).format(
            key=key_text(own),
            table=anchor.table.identifier,
            among=anchored_in(anchor, own),
            others=any_of(others),
            where=conditions_sql(context, row, anchor.where),
        ),
        context.values.bound,
    )


def _hangs_elsewhere(graph: Graph, kind: Kind, anchor: Anchor, way: Way) -> sql.Composed:
    walked = walk(way, "o")
    rooted = root_in_batch(kind, walked.owner, owner_types(graph, anchor.table, way))
    if rooted.tables:
        inside: sql.Composable = sql.SQL("EXISTS (SELECT FROM {} WHERE {})").format(
            comma(rooted.tables), all_of(rooted.where)
        )
    else:
        inside = all_of(rooted.where)
    there = [sql.SQL("{} IS NOT NULL").format(part) for part in walked.owner]
    if kind.table is not None and not way[-1].declared:
        # Only a foreign key proves that there is such a subject: a link to nobody keeps no row.
        alive = [
            sql.SQL("{} = {}").format(column("k", name), part)
            for name, part in zip(kind.key, walked.owner, strict=True)
        ]
        there.append(
            sql.SQL("EXISTS (SELECT FROM {} AS k WHERE {})").format(
                kind.table.identifier, all_of(alive)
            )
        )
    same_row = [
        sql.SQL("{} = {}").format(column("o", name), column("a", name)) for name in anchor.key
    ]
    return sql.SQL("EXISTS (SELECT FROM {source} WHERE {where} AND NOT ({inside}))").format(
        source=walked.source(sql.SQL("{} AS o").format(anchor.table.identifier)),
        where=all_of([*same_row, *walked.conditions, *there]),
        inside=inside,
    )
