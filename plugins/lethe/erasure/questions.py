"""The statements of an erasure that lock, look and count, for the rows of one batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import (
    Statement,
    Values,
    all_of,
    any_of,
    column,
    comma,
    type_name,
)
from lethe.catalogue.graph import Graph, Kind, Member, Reference, Way
from lethe.catalogue.ways import is_written, same, walk, written_key
from lethe.erasure.rows import (
    named,
    owner_types,
    points_at,
    root_in_batch,
    rows_of,
    stays_behind,
)
from lethe.erasure.steps import Blanking
from lethe.policy.names import TableName, quoted


def lock_subjects(kind: Kind, columns: Sequence[str] = ()) -> Statement:
    """Lock the batch's subjects that nobody else is working on; gives their keys, and columns of
    theirs as text. Of a group of rows each is waited for: one that is left out may speak for it."""
    if kind.table is None:
        raise ValueError("a subject that is a query has no row to lock")
    own = [column("s", name) for name in kind.key]
    rooted = root_in_batch(kind, own, kind.types)
    text = "SELECT {read} FROM {source} WHERE {where} ORDER BY {own} FOR UPDATE OF s {skip}"
    read = [sql.SQL("{} AS owner").format(rooted.key)]
    read += [sql.SQL("{}::text").format(column("s", name)) for name in columns]
    return Statement(
        sql.SQL(text).format(
            read=comma(read),
            source=comma([sql.SQL("{} AS s").format(kind.table.identifier), *rooted.tables]),
            where=all_of(rooted.where),
            own=comma(own),
            skip=sql.SQL("" if kind.is_group else "SKIP LOCKED"),
        )
    )


def by_key(kind: Kind) -> sql.Composed:
    """The order of frozen subjects by their keys, in the keys' own types."""
    return comma(
        sql.SQL("w.key[{}]::{}").format(sql.Literal(i + 1), type_name(sql_type))
        for i, sql_type in enumerate(kind.types)
    )


def lock_rows(graph: Graph, kind: Kind, table: TableName, way: Way) -> Statement:
    """Lock the batch's rows of a table that decides whether they are due; gives the subject of
    each where that is a group of rows."""
    walked = walk(way, "t")
    rooted = root_in_batch(kind, walked.owner, owner_types(graph, table, way))
    source = walked.source(sql.SQL("{} AS t").format(table.identifier))
    return Statement(
        sql.SQL("SELECT {read} FROM {source} WHERE {where} FOR UPDATE OF t").format(
            read=sql.SQL("{} AS owner").format(rooted.key) if kind.is_group else sql.SQL(""),
            source=comma([source, *rooted.tables]),
            where=all_of([*walked.conditions, *rooted.where]),
        )
    )


def recheck(kind: Kind, decide: Statement) -> Statement:
    """The decision about the batch's subjects, by the keys that were frozen: key, outcome, the
    last day of activity that does not stop the subject, and the day on which it is due.

    decide  WITH list up to the relation `decided`, restricted to the batch
    """
    own = [column("d", f"k{i}") for i in range(len(kind.key))]
    rooted = root_in_batch(kind, own, kind.types)
    if not rooted.tables:
        text = "{decide} SELECT {key} AS key, d.outcome, d.last_due, d.due_on FROM decided AS d"
        return Statement(sql.SQL(text).format(decide=decide.text, key=rooted.key), decide.values)
    text = (
        "{decide}, {frozen} SELECT f.key, d.outcome, d.last_due, d.due_on FROM {judged}"
        " WHERE {same}"
    )
    return Statement(
        sql.SQL(text).format(
            decide=decide.text, frozen=_frozen(kind), judged=_JUDGED, same=_same_key(kind)
        ),
        decide.values,
    )


def find_judged(kind: Kind, decide: Statement) -> Statement:
    """Numbers of the batch's subjects about whom there is a decision again (see `recheck`)."""
    return Statement(
        sql.SQL("{}, {} SELECT f.subject_no FROM {} WHERE {}").format(
            decide.text, _frozen(kind), _JUDGED, _same_key(kind)
        ),
        decide.values,
    )


_JUDGED = sql.SQL("decided AS d, frozen AS f")


def _frozen(kind: Kind) -> sql.Composed:
    """The batch with its keys in their types, each cast once: a join of texts would cast them for
    every pair."""
    keys = comma(
        sql.SQL("b.key[{}]::{} AS {}").format(
            sql.Literal(i + 1), type_name(sql_type), quoted(f"f{i}")
        )
        for i, sql_type in enumerate(kind.types)
    )
    return sql.SQL(
        "frozen AS MATERIALIZED (SELECT b.subject_no, b.key, {} FROM lethe.plan_subject AS b"
        " WHERE b.run_id = %(run_id)s AND b.rule = %(rule)s AND b.subject_no = ANY(%(numbers)s))"
    ).format(keys)


def _same_key(kind: Kind) -> sql.Composable:
    return all_of(
        sql.SQL("{} = {}").format(column("d", f"k{i}"), column("f", f"f{i}"))
        for i in range(len(kind.key))
    )


def find_barred(graph: Graph, kind: Kind, member: Member, ref: Reference, as_of: date) -> Statement:
    """Keys of the batch whose row a row from outside references."""
    context = Context(graph, as_of, Values())
    found = rows_of(context, kind, member, "t")
    child = sql.SQL("{} AS x").format(ref.child.identifier)
    behind = stays_behind(context, kind, member, ref)
    return Statement(
        sql.SQL("SELECT DISTINCT {key} AS owner FROM {source} WHERE {where}").format(
            key=found.key,
            source=comma([named(member, "t"), *found.tables, child]),
            where=all_of([*found.where, points_at(ref, "x", "t"), *behind]),
        ),
        context.values.bound,
    )


def find_staying(
    graph: Graph, kind: Kind, member: Member, spared: Sequence[Reference], as_of: date
) -> Statement:
    """Keys of the batch that have rows of a member which stay without their personal columns."""
    context = Context(graph, as_of, Values())
    found = rows_of(context, kind, member, "t")
    kept = [
        sql.SQL("EXISTS (SELECT FROM {child} AS x WHERE {where})").format(
            child=ref.child.identifier,
            where=all_of([points_at(ref, "x", "t"), *stays_behind(context, kind, member, ref)]),
        )
        for ref in spared
    ]
    stays = [any_of(kept)] if member.action.do == "skeleton" else []
    return Statement(
        sql.SQL("SELECT DISTINCT {key} AS owner FROM {source} WHERE {where}").format(
            key=found.key,
            source=comma([named(member, "t"), *found.tables]),
            where=all_of([*found.where, *stays]),
        ),
        context.values.bound,
    )


def read_columns(
    graph: Graph, kind: Kind, member: Member, columns: Sequence[str], as_of: date
) -> Statement:
    """Read columns of the batch's rows as text, with the key of their root: owner, values."""
    context = Context(graph, as_of, Values())
    found = rows_of(context, kind, member, "t")
    return Statement(
        sql.SQL("SELECT {key} AS owner, {columns} FROM {source} WHERE {where}").format(
            key=found.key,
            columns=comma(sql.SQL("{}::text").format(column("t", name)) for name in columns),
            source=comma([named(member, "t"), *found.tables]),
            where=all_of(found.where),
        ),
        context.values.bound,
    )


def count_rows(graph: Graph, kind: Kind, members: Sequence[Member], as_of: date) -> Statement:
    """Count the batch's rows of several members: one row, a number a member, in their order."""
    context = Context(graph, as_of, Values())
    counts = []
    for member in members:
        found = rows_of(context, kind, member, "t")
        counts.append(
            sql.SQL("(SELECT count(*) FROM {source} WHERE {where})").format(
                source=comma([named(member, "t"), *found.tables]), where=all_of(found.where)
            )
        )
    return Statement(sql.SQL("SELECT {}").format(comma(counts)), context.values.bound)


def count_unblanked(graph: Graph, kind: Kind, blanking: Blanking, as_of: date) -> Statement:
    """Count the batch's rows that stay and still hold what should be blank."""
    context = Context(graph, as_of, Values())
    member = blanking.member
    found = rows_of(context, kind, member, "t")
    full = any_of(sql.SQL("{} IS NOT NULL").format(column("t", name)) for name in blanking.nulled)
    return Statement(
        sql.SQL("SELECT count(*) FROM {source} WHERE {where}").format(
            source=comma([named(member, "t"), *found.tables]),
            where=all_of([*found.where, full]),
        ),
        context.values.bound,
    )


def find_existing(kind: Kind, cluster: str) -> Statement:
    """Numbers of the batch's subjects that are there, and not as a skeleton of this cluster."""
    if kind.table is None:
        raise ValueError("a subject that is a query has no row of its own")
    values = Values()
    own = [column("s", name) for name in kind.key]
    matched = all_of(same(own, written_key(kind, sql.SQL("p.key"))))
    text = (
        "SELECT p.subject_no FROM lethe.plan_subject AS p JOIN {table} AS s ON {matched}"
        " WHERE p.run_id = %(run_id)s AND p.rule = %(rule)s AND p.subject_no = ANY(%(numbers)s)"
        " AND NOT EXISTS (SELECT FROM lethe.skeleton AS b WHERE b.subject_kind = {kind}"
        " AND b.cluster = {cluster} AND {skeleton})"
    )
    return Statement(
        sql.SQL(text).format(
            table=kind.table.identifier,
            matched=matched,
            skeleton=is_written(kind, sql.SQL("b.key"), own),
            kind=values.bind(kind.name),
            cluster=values.bind(cluster),
        ),
        values.bound,
    )
