"""Starting points as SQL: the day of each event, and whether it can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import all_of, column, comma, in_batch
from lethe.catalogue.graph import Kind, Way
from lethe.catalogue.ways import walk
from lethe.policy.model.rules import Event, Plausible, StartingPoint
from lethe.policy.names import quoted


@dataclass(frozen=True, slots=True)
class Source:
    """One event as a relation with the columns k0…, day, running, missing, implausible."""

    name: str
    text: sql.Composable


def event_sources(
    context: Context, kind: Kind, starting_point: StartingPoint, *, batch: bool
) -> list[Source]:
    """Every event of a starting point as a relation, one row a subject that has it.

    batch  only the subjects of the batch
    """
    return [
        Source(f"e{number}", _relation(context, kind, starting_point, event, batch=batch))
        for number, event in enumerate(starting_point.events)
    ]


def earliest_source(
    context: Context, kind: Kind, starting_point: StartingPoint, *, batch: bool
) -> Source | None:
    """The date that the starting point cannot precede, as a relation."""
    event = starting_point.not_before
    if event is None:
        return None
    point = StartingPoint(
        event=starting_point.event, earliest=(event,), plausible=starting_point.plausible
    )
    return Source("opened", _relation(context, kind, point, event, batch=batch))


def _relation(
    context: Context,
    kind: Kind,
    starting_point: StartingPoint,
    event: Event,
    *,
    batch: bool,
) -> sql.Composable:
    table = event.table or kind.table
    if table is None:
        raise ValueError("an event of a subject that is a query names its table")
    ways = context.graph.ways.get((kind.name, table), ())
    rows = sql.SQL(" UNION ALL ").join(
        [_rows(context, kind, event, way, batch=batch) for way in ways]
    )
    pick = "min" if starting_point.choice == "earliest" else "max"
    optional = event.optional or starting_point.choice == "first_known"
    text = (
        "SELECT {key}, {pick}(day) FILTER (WHERE NOT running) AS day,"
        " bool_or(running) AS running,"
        " {missing} AS missing,"
        " bool_or(NOT running AND {implausible}) AS implausible"
        " FROM ({rows}) AS r GROUP BY {key}"
    )
    missing = "false" if optional else "bool_or(NOT running AND day IS NULL)"
    return sql.SQL(text).format(
        key=comma(quoted(f"k{i}") for i in range(len(kind.key))),
        pick=sql.SQL(pick),
        missing=sql.SQL(missing),
        implausible=_implausible(starting_point.plausible),
        rows=rows,
    )


def _rows(context: Context, kind: Kind, event: Event, way: Way, *, batch: bool) -> sql.Composable:
    table = event.table or kind.table
    assert table is not None  # noqa: S101 (checked by the caller)
    walked = walk(way, "t")
    row = Row("t", table, kind)
    where = [*walked.conditions, conditions_sql(context, row, event.where)]
    if table == kind.table:
        where.append(conditions_sql(context, row, kind.where))
    if batch:
        where.append(in_batch(walked.owner, kind.types))
    else:
        where.extend(sql.SQL("{} IS NOT NULL").format(part) for part in walked.owner)
    day = day_sql(
        context, column("t", event.column), context.graph.column_type(table, event.column)
    )
    text = (
        "SELECT {owner}, {day} AS day, ({running}) IS TRUE AS running FROM {source} WHERE {where}"
    )
    running = conditions_sql(context, row, event.running) if event.running else sql.SQL("false")
    owner = [
        sql.SQL("{} AS {}").format(part, quoted(f"k{i}")) for i, part in enumerate(walked.owner)
    ]
    first = sql.SQL("{} AS t").format(table.identifier)
    return sql.SQL(text).format(
        owner=comma(owner),
        day=day,
        running=running,
        source=walked.source(first),
        where=all_of(where),
    )


def _implausible(plausible: Plausible) -> sql.Composable:
    days = [plausible.from_, plausible.to, *plausible.sentinels]
    literals = [sql.Literal(day) for day in days]
    text = "(day < {} OR day > {})"
    if not plausible.sentinels:
        return sql.SQL(text).format(*literals)
    return sql.SQL("(day < {} OR day > {} OR day IN ({}))").format(
        literals[0], literals[1], comma(literals[2:])
    )


def start_sql(starting_point: StartingPoint, names: Sequence[str]) -> sql.Composable:
    """The starting point out of the days of its events."""
    days = comma(column(name, "day") for name in names)
    function = {"latest": "greatest", "earliest": "least", "first_known": "coalesce"}
    return sql.SQL(function[starting_point.choice] + "({})").format(days)
