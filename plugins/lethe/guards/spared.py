"""Rows that no job touches: those of a subject who is held, or whose data may not be processed."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import all_of, column, comma
from lethe.catalogue.graph import Graph, Kind, Way
from lethe.catalogue.links import all_links, resolve_link
from lethe.catalogue.routes import Routes
from lethe.catalogue.ways import same, walk
from lethe.guards.statements import held, key_columns, restricted
from lethe.policy.names import TableName


def ways_to_subjects(graph: Graph, table: TableName) -> list[tuple[Kind, Way]]:
    """Every kind of subject that a row of a table may hang on, and the ways that lead there."""
    found = []
    for kind in graph.kinds.values():
        routes = Routes(graph.policy, graph.catalogue, kind, [])
        routes.find_others({table})
        ways = list(routes.found.get(table, ()))
        # A link that only points keeps no row from being erased, but it names a person.
        for link in all_links(graph.policy.tables.get(table)):
            hop, _ = resolve_link(graph.catalogue, table, link)
            if link.role == "reference" and hop is not None and hop.to is not None:
                ways += [(hop, *rest) for rest in routes.found.get(hop.to, ())]
        found += [(kind, way) for way in dict.fromkeys(ways)]
    return found


def spared_by(
    context: Context,
    table: TableName,
    kind: Kind,
    way: Way,
    where: Sequence[sql.Composable],
    *,
    row: str,
    one_by_one: bool = False,
) -> sql.Composed:
    """The row of a table hangs on a subject that is held or restricted.

    where       which rows are looked at
    row         alias of the row, in `where` too
    one_by_one  it is asked inside an expression, of which the planner makes no join
    """
    walked = walk(way, row)
    inner = [*walked.conditions, *(sql.SQL("{} IS NOT NULL").format(o) for o in walked.owner)]
    candidates = sql.SQL("SELECT DISTINCT {keys} FROM {source} WHERE {where}").format(
        keys=comma(
            sql.SQL("{} AS {}").format(owner, sql.Identifier(f"k{number}"))
            for number, owner in enumerate(walked.owner)
        ),
        source=walked.source(sql.SQL("{} AS {}").format(table.identifier, sql.Identifier(row))),
        where=all_of([*where, *inner]),
    )
    pieces = [*held(context, kind), *restricted(context, kind)]
    spared = sql.SQL("(WITH candidates AS MATERIALIZED ({}) {}) AS spared ({})").format(
        candidates, sql.SQL(" UNION ").join(pieces), key_columns(kind)
    )
    if one_by_one:
        # Asked of single rows, the list is made once and hashed.
        names = comma(column("spared", f"k{number}") for number in range(len(kind.key)))
        listed = sql.SQL("coalesce(({}) IN (SELECT {} FROM {}), false)").format(
            comma(walked.owner), names, spared
        )
        if not walked.tables:
            return listed
        return sql.SQL("EXISTS (SELECT FROM {} WHERE {})").format(
            comma(walked.tables), all_of([*walked.conditions, listed])
        )
    there = [column("spared", f"k{number}") for number in range(len(kind.key))]
    return sql.SQL("EXISTS (SELECT FROM {} WHERE {})").format(
        comma([*walked.tables, spared]), all_of([*walked.conditions, *same(walked.owner, there)])
    )
