"""The archive's clock: when a subject was deactivated, live or as it was frozen.

While the account lives, expiry of its archived documents reads the live value, so that a
reactivation undoes the deactivation. In the transaction that erases the account the value is
frozen, for the rows that it is computed from go.
"""

from __future__ import annotations

from datetime import date

from psycopg2 import sql

from lethe.catalogue.conditions import Context
from lethe.catalogue.events import earliest_source, event_sources, start_sql
from lethe.catalogue.fragments import Statement, Values, all_of, column, comma, keys_of_batch
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.ways import same
from lethe.policy.model.archive import Archive
from lethe.policy.model.rules import StartingPoint
from lethe.policy.names import quoted

Relation = tuple[str, sql.Composable]


def freeze_clock(graph: Graph, cluster: str, as_of: date) -> tuple[Statement, ...]:
    """Freeze, for a batch, what expiry needs; nothing where no document hangs on the cluster.

    Who is erased while a service runs, or whose dates cannot be believed, counts as deactivated
    on the day of the erasure.
    """
    archive, kind = graph.policy.archive, graph.kind_of(cluster)
    touched = {member.table for member in graph.members[cluster]}
    if archive is None or not any(
        document.subject == kind.name and {document.table, kind.table} & touched
        for document in archive.documents.values()
    ):
        return ()
    context = Context(graph, as_of, Values())
    own = [column("l", f"k{i}") for i in range(len(kind.key))]
    day = context.values.bind(as_of)
    text = (
        "{relations} INSERT INTO lethe.archive_frozen AS f"
        " (subject_kind, subject_key, deactivated_on, erased_on, run_id)"
        " SELECT {kind}, {key}, least(coalesce(CASE WHEN l.running OR l.refusal IS NOT NULL"
        " THEN NULL ELSE l.day END, {day}::date), {day}::date), {day}::date, %(run_id)s"
        " FROM live AS l"
        " ON CONFLICT (subject_kind, subject_key) DO UPDATE SET"
        " deactivated_on = excluded.deactivated_on, erased_on = excluded.erased_on,"
        " run_id = excluded.run_id, sealed_no = NULL"
    )
    return (
        Statement(
            sql.SQL(text).format(
                relations=with_list(
                    [
                        ("asked", _keys_of_batch(kind)),
                        *deactivation(context, kind, archive, "asked", batch=True),
                    ]
                ),
                kind=context.values.bind(kind.name),
                key=frozen_key(own),
                day=day,
            ),
            context.values.bound,
        ),
    )


def deactivation(
    context: Context, kind: Kind, archive: Archive, asked: str, *, batch: bool = False
) -> list[Relation]:
    """Relations up to `live` (k0…, day, running, refusal): the deactivation of living subjects.

    asked    relation with the keys k0… of the subjects
    refusal  why the day cannot be believed; NULL if it can, or if there is none

    A kind of subject without the events of the starting point, such as guests who have no account,
    has no deactivation.
    """
    point = archive.starting_point
    if _has_none(context.graph, kind, archive):
        text = "SELECT {}, NULL::date AS day, false AS running, NULL::text AS refusal FROM {} AS a"
        asked_for = comma(column("a", f"k{i}") for i in range(len(kind.key)))
        return [("live", sql.SQL(text).format(asked_for, quoted(asked)))]
    events = event_sources(context, kind, point, batch=batch)
    opened = earliest_source(context, kind, point, batch=batch)
    names = [source.name for source in events]
    key = [column("a", f"k{i}") for i in range(len(kind.key))]
    joins = [
        sql.SQL("LEFT JOIN {0} ON {1}").format(
            quoted(name),
            all_of(same([column(name, f"k{i}") for i in range(len(kind.key))], key)),
        )
        for name in [*names, *([opened.name] if opened else [])]
    ]
    start = start_sql(kind, point, names)
    contradiction: sql.Composable = sql.SQL("false")
    if opened:
        contradiction = sql.SQL("coalesce({} < opened.day, false)").format(start)
    text = (
        "SELECT {key}, {start} AS day, {running} AS running, CASE"
        " WHEN {implausible} THEN 'implausible date'"
        " WHEN {missing} THEN 'no date'"
        " WHEN {contradiction} THEN 'contradictory dates' END AS refusal"
        " FROM {asked} AS a {joins}"
    )
    live = sql.SQL(text).format(
        key=comma(key),
        start=start,
        running=_either(names, "running"),
        implausible=_either(names, "implausible"),
        missing=_either(names, "missing"),
        contradiction=contradiction,
        asked=quoted(asked),
        joins=sql.SQL(" ").join(joins),
    )
    sources = [*events, *([opened] if opened else [])]
    return [*((source.name, source.text) for source in sources), ("live", live)]


def _has_none(graph: Graph, kind: Kind, archive: Archive) -> bool:
    """The starting point is that of another kind of subject that has documents."""
    if has_point(graph, kind, archive.starting_point):
        return False
    others = {document.subject for document in archive.documents.values()} - {kind.name}
    return any(has_point(graph, graph.kinds[name], archive.starting_point) for name in others)


def has_point(graph: Graph, kind: Kind, point: StartingPoint) -> bool:
    """Every event of a starting point can be read for a kind of subject."""
    events = [*point.events, *([point.not_before] if point.not_before else [])]
    for event in events:
        table = event.table or kind.table
        if table is None or not graph.ways.get((kind.name, table)):
            return False
        known = graph.catalogue.tables.get(table)
        if known is None or event.column not in known.columns:
            return False
    return True


def with_list(relations: list[Relation]) -> sql.Composed:
    """Relations as a WITH list."""
    return sql.SQL("WITH {}").format(
        comma(sql.SQL("{} AS ({})").format(quoted(name), text) for name, text in relations)
    )


def frozen_key(own: list[sql.Composed]) -> sql.Composed:
    """A key as text[]."""
    return sql.SQL("ARRAY[{}]").format(comma(sql.SQL("{}::text").format(part) for part in own))


def _keys_of_batch(kind: Kind) -> sql.Composed:
    names = comma(quoted(f"k{i}") for i in range(len(kind.key)))
    return sql.SQL("SELECT * FROM ({}) AS q({})").format(keys_of_batch(kind.types), names)


def _either(names: list[str], flag: str) -> sql.Composable:
    parts = [sql.SQL("coalesce({}, false)").format(column(name, flag)) for name in names]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(parts))
