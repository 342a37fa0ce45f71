"""The rows of a batch: how a statement finds them, and by which key it names their root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.fragments import (
    ONE_SPELLING,
    all_of,
    column,
    comma,
    in_batch,
    is_array,
    key_text,
    type_name,
)
from lethe.catalogue.graph import Anchor, Graph, Kind, Member, Reference, Way
from lethe.catalogue.ways import walk
from lethe.policy.names import TableName, quoted


@dataclass(frozen=True, slots=True)
class Rooted:
    """Conditions that bind owner columns to the roots of a batch.

    tables  what joins the FROM list
    key     the key of the root as text[], as it was frozen
    """

    tables: tuple[sql.Composable, ...]
    where: tuple[sql.Composable, ...]
    key: sql.Composable


@dataclass(frozen=True, slots=True)
class Found:
    """A member's rows in the batch, under an alias that joins the FROM list first."""

    tables: tuple[sql.Composable, ...]
    where: tuple[sql.Composable, ...]
    key: sql.Composable


def root_in_batch(
    kind: Kind,
    owner: Sequence[sql.Composable],
    types: Sequence[str],
    *,
    joined: bool = False,
) -> Rooted:
    """The owner columns name a subject of the batch.

    types   of the owner columns
    joined  name the subject by its frozen key, whatever becomes of the owner columns
    """
    if not joined and {*types, *kind.types} <= ONE_SPELLING:
        return Rooted((), (in_batch(owner, kind.types),), key_text(owner))
    matched = [
        sql.SQL("{} = b0.key[{}]::{}").format(part, sql.Literal(i), type_name(sql_type))
        for i, (part, sql_type) in enumerate(zip(owner, kind.types, strict=True), start=1)
    ]
    batch = sql.SQL(
        "b0.run_id = %(run_id)s AND b0.rule = %(rule)s AND b0.subject_no = ANY(%(numbers)s)"
    )
    return Rooted((sql.SQL("lethe.plan_subject AS b0"),), (batch, *matched), sql.SQL("b0.key"))


def anchored_in(anchor: Anchor, owner: Sequence[sql.Composable]) -> sql.Composed:
    """The owner columns name one of the given rows of an anchor (see `anchor_values`)."""
    given = [sql.Placeholder(f"{anchor_name(anchor.table)}_{i}") for i in range(len(anchor.key))]
    if len(given) == 1 and not is_array(anchor.types[0]):
        return sql.SQL("{} = ANY({}::text[]::{}[])").format(
            owner[0], given[0], type_name(anchor.types[0])
        )
    keys = [
        sql.SQL("{}::{}").format(column("g", f"k{i}"), type_name(sql_type))
        for i, sql_type in enumerate(anchor.types)
    ]
    return sql.SQL("({}) IN (SELECT {} FROM unnest({}) AS g({}))").format(
        comma(owner),
        comma(keys),
        comma(sql.SQL("{}::text[]").format(each) for each in given),
        comma(quoted(f"k{i}") for i in range(len(given))),
    )


def anchor_name(table: TableName) -> str:
    """A name for bound values that no other table has."""
    return "anchor_" + str(table).encode().hex()


def anchor_values(anchor: Anchor, keys: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """The keys of an anchor's rows as bound values, a list a column."""
    return {
        f"{anchor_name(anchor.table)}_{i}": [key[i] for key in keys] for i in range(len(anchor.key))
    }


def owner_types(graph: Graph, table: TableName, way: Way) -> tuple[str, ...]:
    """SQL types of the columns at the end of a way that hold the key of its root."""
    here = table
    for hop in way:
        if hop.to is None:
            return tuple(graph.column_type(here, name) for name in hop.columns)
        here = hop.to
    raise ValueError("a way ends at the key of its root")


def rows_of(
    context: Context,
    kind: Kind,
    member: Member,
    alias: str,
    *,
    joined: bool = False,
) -> Found:
    """A member's rows in the batch: below its subjects, or below the going rows of its anchor."""
    walked = walk(member.way, alias)
    row = Row(alias, member.table, kind)
    where = [conditions_sql(context, row, member.where)] if member.where else []
    if kind.is_group and member.table == kind.table and kind.where:
        # A row of that key that is no subject of this kind was not judged with the others.
        where.append(conditions_sql(context, row, kind.where))
    if member.anchor is not None:
        rooted = Rooted((), (anchored_in(member.anchor, walked.owner),), key_text(walked.owner))
    else:
        types = owner_types(context.graph, member.table, member.way)
        rooted = root_in_batch(kind, walked.owner, types, joined=joined)
    return Found(
        (*walked.tables, *rooted.tables),
        (*walked.conditions, *rooted.where, *where),
        rooted.key,
    )


def named(member: Member, alias: str) -> sql.Composed:
    """The member's table under an alias, without tables that inherit where they have their own."""
    only = sql.SQL("ONLY " if member.only else "")
    return sql.SQL("{}{} AS {}").format(only, member.table.identifier, quoted(alias))


def points_at(ref: Reference, child: str, parent: str) -> sql.Composable:
    """The child's row references the parent's."""
    return all_of(
        sql.SQL("{} = {}").format(column(child, mine), column(parent, theirs))
        for mine, theirs in zip(ref.columns, ref.references, strict=True)
    )


def stays_behind(
    context: Context, kind: Kind, member: Member, ref: Reference
) -> list[sql.Composable]:
    """The referencing row, under the alias x, does not go with the batch."""
    going = [
        each
        for each in context.graph.members[member.cluster]
        if each.table == ref.child and each.action.do == "erase"
    ]
    return [_not_among(context, kind, each) for each in going]


def _not_among(context: Context, kind: Kind, member: Member) -> sql.Composed:
    found = rows_of(context, kind, member, "y")
    same_row: list[sql.Composable] = [
        sql.SQL("{} = {}").format(column("y", name), column("x", name))
        for name in member.unique_key or ()
    ]
    if not same_row or member.only:
        same_row = [sql.SQL("y.tableoid = x.tableoid AND y.ctid = x.ctid")]
    return sql.SQL("NOT EXISTS (SELECT FROM {source} WHERE {where})").format(
        source=comma([named(member, "y"), *found.tables]), where=all_of([*same_row, *found.where])
    )
