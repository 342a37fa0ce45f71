"""The days that a rule counts from and to: starting points and periods by country, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.events import Source, start_sql
from lethe.catalogue.fragments import all_of, column, comma
from lethe.catalogue.graph import Kind
from lethe.catalogue.ways import same
from lethe.guards.statements import candidate_key
from lethe.policy.model.rules import Rule
from lethe.policy.names import quoted
from lethe.policy.periods import Period, boundary


def dated(
    context: Context, kind: Kind, rule: Rule, events: Sequence[Source], opened: Source | None
) -> sql.Composable:
    names = [source.name for source in events]
    key = [column("subjects", f"k{i}") for i in range(len(kind.key))]
    joins = sql.SQL(" ").join(
        sql.SQL("LEFT JOIN {0} ON {1}").format(
            quoted(name), all_of(same(candidate_key(kind, name), key))
        )
        for name in [*names, *([opened.name] if opened else [])]
    )
    contradiction = (
        sql.SQL("coalesce({start} < opened.day, false)").format(
            start=start_sql(kind, rule.starting_point, names)
        )
        if opened
        else sql.SQL("false")
    )
    text = (
        "SELECT {key}, country, contested, bare, {start} AS starting_on, {running} AS running,"
        " {missing} AS missing, {implausible} AS implausible,"
        " {contradiction} AS contradiction, {limit} AS last_due"
        " FROM subjects {joins}"
    )
    return sql.SQL(text).format(
        key=comma(key),
        start=start_sql(kind, rule.starting_point, names),
        running=_either(names, "running"),
        missing=_either(names, "missing"),
        implausible=_either(names, "implausible"),
        contradiction=contradiction,
        limit=_by_country(
            context, rule, lambda period: sql.Literal(boundary(context.as_of, period))
        ),
        joins=joins,
    )


def strictest(context: Context, rule: Rule, country: sql.Composable) -> sql.Composable:
    """The country, among those of a subject's rows, that keeps it longest; one that cannot be read
    comes before all."""
    ends = {name: boundary(context.as_of, each.period) for name, each in rule.at_least.items()}
    whens = [
        sql.SQL("WHEN {} = {} THEN {}").format(country, context.values.bind(name), sql.Literal(at))
        for at, name in enumerate(sorted(ends, key=lambda name: ends[name]), start=1)
    ]
    if not whens:
        return sql.SQL("max({})").format(country)
    text = (
        "(array_agg({country} ORDER BY CASE WHEN {country} IS NULL THEN NULL"
        " WHEN {country} !~ '^[A-Z]{{2}}$' THEN 0 {whens} ELSE {other} END))[1]"
    )
    return sql.SQL(text).format(
        country=country, whens=sql.SQL(" ").join(whens), other=sql.Literal(len(whens) + 1)
    )


def _either(names: Sequence[str], flag: str) -> sql.Composable:
    parts = [sql.SQL("coalesce({}, false)").format(column(name, flag)) for name in names]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(parts))


def _by_country(
    context: Context, rule: Rule, limit: Callable[[Period], sql.Composable]
) -> sql.Composable:
    """The last starting day that is due, for the subject's country: the later end wins."""
    base = limit(rule.period)
    if not rule.at_least:
        return sql.SQL("{}::date").format(base)
    whens = [
        sql.SQL("WHEN {} THEN least({}::date, {}::date)").format(
            context.values.bind(country), base, limit(minimum.period)
        )
        for country, minimum in rule.at_least.items()
    ]
    return sql.SQL("CASE country {} ELSE {}::date END").format(sql.SQL(" ").join(whens), base)
