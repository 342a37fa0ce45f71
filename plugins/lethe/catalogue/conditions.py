"""Conditions of the policy as SQL over an alias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from psycopg2 import sql

from lethe.catalogue.fragments import Values, all_of, any_of, column, comma, type_name
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.ways import same, walk
from lethe.errors import UsageError
from lethe.policy.model.conditions import Condition, Exists
from lethe.policy.names import TableName
from lethe.policy.periods import Period, boundary, instant_boundary, naive_boundary


@dataclass(frozen=True, slots=True)
class Row:
    """A row that conditions are about: an alias, its table, and the subject that it hangs on."""

    alias: str
    table: TableName
    kind: Kind


@dataclass(frozen=True, slots=True)
class Context:
    """What turning conditions into SQL needs besides the row."""

    graph: Graph
    as_of: date
    values: Values

    @property
    def zone(self) -> ZoneInfo:
        """Zone in which calendar days are counted."""
        return ZoneInfo(self.graph.policy.policy.time_zone)

    @property
    def naive_zone(self) -> ZoneInfo:
        """Zone in which columns without a zone are read."""
        return ZoneInfo(self.graph.policy.policy.naive_time_zone)


def conditions_sql(context: Context, row: Row, conditions: Sequence[Condition]) -> sql.Composable:
    """All conditions together, as one boolean expression; none means true."""
    return all_of(condition_sql(context, row, condition) for condition in conditions)


def condition_sql(context: Context, row: Row, condition: Condition) -> sql.Composable:
    """One condition as a boolean expression that is never NULL where it is negated."""
    if condition.any_ is not None:
        return any_of(condition_sql(context, row, each) for each in condition.any_)
    if condition.all_ is not None:
        inner = conditions_sql(context, row, condition.all_)
        return sql.SQL("({})").format(inner)
    if condition.not_ is not None:
        inner = condition_sql(context, row, condition.not_)
        return sql.SQL("(({}) IS NOT TRUE)").format(inner)
    if condition.exists is not None:
        return _exists_sql(context, row, condition.exists)
    return _test_sql(context, row, condition)


def _test_sql(context: Context, row: Row, condition: Condition) -> sql.Composable:
    name = condition.column or ""
    here = column(row.alias, name)
    sql_type = context.graph.column_type(row.table, name)
    if condition.is_ is not None:
        return sql.SQL("{} IS " + condition.is_.upper()).format(here)
    if condition.older_than is not None:
        return older_than(context, here, sql_type, condition.older_than)
    if condition.like is not None:
        return sql.SQL("{}::text LIKE {}").format(here, context.values.bind(condition.like))
    if condition.in_ is not None:
        return sql.SQL("{} IN ({})").format(here, _cast(context, condition.in_, sql_type))
    if condition.not_in is not None:
        listed = _cast(context, condition.not_in, sql_type)
        return sql.SQL("(({} IN ({})) IS NOT TRUE)").format(here, listed)
    operators = {
        "equals": "{} = {}",
        "not_equals": "{} IS DISTINCT FROM {}",
        "before": "{} < {}",
        "after": "{} > {}",
    }
    for test, pattern in operators.items():
        value = getattr(condition, test)
        if value is not None:
            return sql.SQL(pattern).format(here, _cast(context, (value,), sql_type))
    raise UsageError(f"column '{name}' has no test")


def _cast(context: Context, found: Sequence[object], sql_type: str) -> sql.Composed:
    """Bound values as text, cast to the column's type: any type reads its own text form."""
    return comma(
        sql.SQL("{}::{}").format(context.values.bind(_text(value)), type_name(sql_type))
        for value in found
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def older_than(
    context: Context, here: sql.Composable, sql_type: str, period: Period
) -> sql.Composed:
    """A date or time whose period has ended: a plain comparison, so that an index serves it."""
    base = base_of(sql_type)
    if base == "date":
        limit: object = boundary(context.as_of, period)
        return sql.SQL("{} <= {}::date").format(here, context.values.bind(limit))
    if base == "timestamp with time zone":
        instant = instant_boundary(context.as_of, period, context.zone)
        return sql.SQL("{} < {}::timestamptz").format(here, context.values.bind(instant))
    naive = naive_boundary(context.as_of, period, context.zone, context.naive_zone)
    return sql.SQL("{} < {}::timestamp").format(here, context.values.bind(naive))


def base_of(sql_type: str) -> str:
    """Take precision off a type: timestamp(3) with time zone → timestamp with time zone."""
    head, _, tail = sql_type.partition("(")
    return f"{head.rstrip()}{tail.partition(')')[2]}" if tail else sql_type


def _exists_sql(context: Context, row: Row, exists: Exists) -> sql.Composable:
    alias = f"{row.alias}x"
    inner = Row(alias, exists.table, row.kind)
    where = conditions_sql(context, inner, exists.where)
    found = [
        sql.SQL("EXISTS (SELECT FROM {source} WHERE {where})").format(
            source=source, where=all_of([*joined, where])
        )
        for source, joined in _routes(context, row, inner)
    ]
    if not found:
        raise UsageError(
            f"nothing leads from {exists.table} to {row.table}; declare a link under "
            f"tables.{exists.table}.links"
        )
    return any_of(found)


def _routes(
    context: Context, row: Row, inner: Row
) -> list[tuple[sql.Composed, list[sql.Composable]]]:
    """FROM lists and join conditions that bind rows of another table to this row."""
    ways = context.graph.ways
    first = sql.SQL("{} AS {}").format(inner.table.identifier, sql.Identifier(inner.alias))
    mine = ways.get((row.kind.name, row.table), ())
    routes = []
    for theirs in ways.get((row.kind.name, inner.table), ()):
        there = walk(theirs, inner.alias)
        for own in mine:
            here = walk(own, row.alias)
            joined = [*there.conditions, *here.conditions, *same(there.owner, here.owner)]
            routes.append((sql.SQL(", ").join([first, *there.tables, *here.tables]), joined))
    return routes
