"""Whom a rule claims: the subjects of its cluster, one row each, before anything is judged."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.fragments import all_of, any_of, column, comma, in_batch
from lethe.catalogue.graph import Kind, Member
from lethe.catalogue.ways import same, walk
from lethe.erasure.bare import is_bare
from lethe.policy.model.rules import Rule
from lethe.policy.names import TableName, quoted
from lethe.retention.dates import strictest


def claimed_subjects(
    context: Context, kind: Kind, rule: Rule, members: Sequence[Member], *, batch: bool
) -> sql.Composable:
    own = [column("s", name) for name in kind.key]
    where: list[sql.Composable] = [
        in_batch(own, kind.types)
        if batch
        else all_of(sql.SQL("{} IS NOT NULL").format(part) for part in own)
    ]
    key = comma(sql.SQL("{} AS {}").format(part, quoted(f"k{i}")) for i, part in enumerate(own))
    others = [
        other
        for other in context.graph.policy.rules.values()
        if other.cluster == rule.cluster and other is not rule
    ]
    contested: sql.Composable = sql.SQL("true" if others else "false")
    bare: sql.Composable = sql.SQL("true")
    if kind.table is None:
        country: sql.Composable = sql.SQL("NULL::text")
    else:
        contested = any_of(_claims(context, kind, kind.table, other) for other in others)
        bare = is_bare(context, kind.table, rule.cluster)
        row = Row("s", kind.table, kind)
        where += [conditions_sql(context, row, part) for part in (kind.where, rule.where)]
        named = kind.policy.country
        country = column("s", named) if named else sql.SQL("NULL")
        country = sql.SQL("nullif(upper(btrim({}::text)), '')").format(country)
    if kind.table is not None and not holds_root(kind, members):
        where.append(in_cluster(context, kind, members, own, batch=batch))
    if kind.unique:
        text = (
            "SELECT {key}, {country} AS country, {contested} AS contested, {bare} AS bare"
            " FROM {source} WHERE {where}"
        )
    else:
        country = strictest(context, rule, country)
        text = (
            "SELECT {key}, {country} AS country, bool_or({contested}) AS contested,"
            " bool_and({bare}) AS bare FROM {source} WHERE {where} GROUP BY {own}"
        )
    return sql.SQL(text).format(
        key=key,
        country=country,
        contested=contested,
        bare=bare,
        source=sql.SQL("{} AS s").format(kind.source),
        where=all_of(where),
        **({} if kind.unique else {"own": comma(own)}),
    )


def _claims(context: Context, kind: Kind, table: TableName, rule: Rule) -> sql.Composable:
    """Another rule of the cluster claims the subject of the table as well: of a group, by any of
    its rows."""
    if not kind.is_group:
        return sql.SQL("(({}) IS TRUE)").format(
            conditions_sql(context, Row("s", table, kind), rule.where)
        )
    row = Row("o", table, kind)
    own = ([column(alias, name) for name in kind.key] for alias in ("s", "o"))
    where = [
        *same(*own),
        *(conditions_sql(context, row, part) for part in (kind.where, rule.where)),
    ]
    return sql.SQL("EXISTS (SELECT FROM {} AS o WHERE {})").format(table.identifier, all_of(where))


def holds_root(kind: Kind, members: Sequence[Member]) -> bool:
    """The subject's own row is in the cluster, so that every subject is."""
    return any(member.table == kind.table and not member.where for member in members)


def in_cluster(
    context: Context,
    kind: Kind,
    members: Sequence[Member],
    own: Sequence[sql.Composable],
    *,
    batch: bool,
) -> sql.Composable:
    """Subjects that have at least one row in the cluster."""
    parts: list[sql.Composable] = []
    for member in members:
        row = Row("m", member.table, kind)
        for way in member.ways:
            walked = walk(way, "m")
            where = [*walked.conditions, conditions_sql(context, row, member.where)]
            if batch:
                where.append(in_batch(walked.owner, kind.types))
            else:
                where.extend(sql.SQL("{} IS NOT NULL").format(part) for part in walked.owner)
            parts.append(
                sql.SQL("SELECT {owner} FROM {source} WHERE {where}").format(
                    owner=comma(walked.owner),
                    source=walked.source(sql.SQL("{} AS m").format(member.table.identifier)),
                    where=all_of(where),
                )
            )
    return sql.SQL("({}) IN ({})").format(comma(own), sql.SQL(" UNION ALL ").join(parts))
