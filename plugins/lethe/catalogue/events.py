"""Starting points as SQL: the day of each event, and whether it can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import all_of, any_of, column, comma, in_batch
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

    What is `first_known` of one row is found row by row: of a subject with several rows, one that
    has only begun is not hidden by another that has ended long ago.

    batch  only the subjects of the batch
    """
    events = starting_point.events
    if starting_point.choice == "first_known" and are_of_one_row(kind, events):
        return [Source("e0", _relation(context, kind, starting_point, *events, batch=batch))]
    return [
        Source(f"e{number}", _relation(context, kind, starting_point, event, batch=batch))
        for number, event in enumerate(events)
    ]


def are_of_one_row(kind: Kind, events: Sequence[Event]) -> bool:
    """Whether events are told by the same rows."""
    first = events[0]
    return all(
        (each.table or kind.table, each.where, each.running)
        == (first.table or kind.table, first.where, first.running)
        for each in events
    )


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
    *others: Event,
    batch: bool,
) -> sql.Composable:
    """An event as a relation; with others of the same rows, the first that a row knows."""
    table = event.table or kind.table
    if table is None:
        raise ValueError("an event of a subject that is a query names its table")
    ways = context.graph.ways.get((kind.name, table), ())
    rows = sql.SQL(" UNION ALL ").join(
        [_rows(context, kind, (event, *others), way, batch=batch) for way in ways]
    )
    pick = "min" if starting_point.choice == "earliest" else "max"
    text = (
        "SELECT {key}, {pick}(day) FILTER (WHERE NOT running) AS day,"
        " bool_or(running) AS running,"
        " {missing} AS missing,"
        " bool_or(NOT running AND {implausible}) AS implausible"
        " FROM ({rows}) AS r GROUP BY {key}"
    )
    return sql.SQL(text).format(
        key=comma(quoted(f"k{i}") for i in range(len(kind.key))),
        pick=sql.SQL(pick),
        missing=_missing(
            starting_point, event, alone=len(starting_point.events) == 1 + len(others)
        ),
        implausible=any_of(
            _implausible(starting_point.plausible, name) for name in _days(1 + len(others))
        ),
        rows=rows,
    )


def _missing(starting_point: StartingPoint, event: Event, *, alone: bool) -> sql.SQL:
    """A row of the subject should know a day and does not.

    alone  no other event can tell
    """
    unknown = "bool_or(NOT running AND day IS NULL)"
    if starting_point.choice == "first_known" and (alone or not event.optional):
        # A row that knows no day speaks for nobody, unless other rows would be taken for it.
        return sql.SQL(unknown + " AND bool_or(day IS NOT NULL)")
    return sql.SQL("false" if event.optional else unknown)


def _days(count: int) -> list[sql.Composable]:
    """The columns with the days of a row's events; of one event it is the day itself."""
    return [quoted("day")] if count == 1 else [quoted(f"day{i}") for i in range(count)]


def _rows(
    context: Context, kind: Kind, events: Sequence[Event], way: Way, *, batch: bool
) -> sql.Composable:
    event = events[0]
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
    days = [
        sql.SQL("{} AS {}").format(
            day_sql(
                context, column("t", each.column), context.graph.column_type(table, each.column)
            ),
            name,
        )
        for each, name in zip(events, _days(len(events)), strict=True)
    ]
    text = "SELECT {owner}, {days}, ({running}) IS TRUE AS running FROM {source} WHERE {where}"
    running = conditions_sql(context, row, event.running) if event.running else sql.SQL("false")
    owner = [
        sql.SQL("{} AS {}").format(part, quoted(f"k{i}")) for i, part in enumerate(walked.owner)
    ]
    first = sql.SQL("{} AS t").format(table.identifier)
    rows = sql.SQL(text).format(
        owner=comma(owner),
        days=comma(days),
        running=running,
        source=walked.source(first),
        where=all_of(where),
    )
    if len(events) == 1:
        return rows
    return sql.SQL("SELECT *, coalesce({}) AS day FROM ({}) AS d").format(
        comma(_days(len(events))), rows
    )


def _implausible(plausible: Plausible, day: sql.Composable) -> sql.Composable:
    first, last = sql.Literal(plausible.from_), sql.Literal(plausible.to)
    if not plausible.sentinels:
        return sql.SQL("({0} < {1} OR {0} > {2})").format(day, first, last)
    return sql.SQL("({0} < {1} OR {0} > {2} OR {0} IN ({3}))").format(
        day, first, last, comma(sql.Literal(each) for each in plausible.sentinels)
    )


def start_sql(kind: Kind, starting_point: StartingPoint, names: Sequence[str]) -> sql.Composable:
    """The starting point out of the days of its events.

    Of a group of rows nobody knows which of them a day is of: then the latest counts.
    """
    days = comma(column(name, "day") for name in names)
    function = {"latest": "greatest", "earliest": "least", "first_known": "coalesce"}
    choice = starting_point.choice
    if choice == "first_known" and kind.is_group:
        choice = "latest"
    return sql.SQL(function[choice] + "({})").format(days)
