"""Guards as SQL: which of some candidates are held, restricted or not yet archived.

Each piece is a SELECT of keys (as the columns k0, k1, …) joined with a relation `candidates` that
has the same columns; a hash join or an index serves it, whatever the size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.fragments import all_of, column, comma, key_text
from lethe.catalogue.graph import Kind, Way
from lethe.catalogue.ways import is_written, same, walk
from lethe.guards.archived import documents_of
from lethe.guards.bound import bound_digest, bound_text, document_key, listed_as
from lethe.policy.model.archive import Document
from lethe.policy.model.conditions import Conditions
from lethe.policy.model.guards import Marked, RiskFlag
from lethe.policy.names import TableName, quoted


def candidate_key(kind: Kind, alias: str = "c") -> list[sql.Composable]:
    """The key columns of a candidate."""
    return [column(alias, f"k{i}") for i in range(len(kind.key))]


def key_columns(kind: Kind) -> sql.Composed:
    """The list k0, k1, … of a key."""
    return comma(quoted(f"k{i}") for i in range(len(kind.key)))


def held(context: Context, kind: Kind) -> list[sql.Composable]:
    """Candidates under a legal hold, from Lethe's own list and from the warehouse."""
    marked = context.graph.policy.guards.holds
    return [
        _listed(context, kind, "hold"),
        *_marked(context, kind, marked.values()),
        *_queried(context, kind, "hold"),
    ]


def restricted(context: Context, kind: Kind) -> list[sql.Composable]:
    """Candidates whose processing is restricted (GDPR Art. 18)."""
    marked = context.graph.policy.guards.restrictions
    return [
        _listed(context, kind, "restriction"),
        *_marked(context, kind, marked.values()),
        *_queried(context, kind, "restriction"),
    ]


def _listed(context: Context, kind: Kind, table: str) -> sql.Composed:
    """Those on Lethe's own list; a key that is written otherwise by now names the same subject."""
    text = (
        "SELECT {key} FROM candidates AS c JOIN lethe.{table} AS h ON {same}"
        " WHERE h.subject_kind = {kind} AND h.released_at IS NULL"
    )
    own = candidate_key(kind)
    return sql.SQL(text).format(
        key=comma(own),
        table=quoted(table),
        same=is_written(kind, sql.SQL("h.key"), own),
        kind=context.values.bind(kind.name),
    )


def _marked(context: Context, kind: Kind, marks: Iterable[Marked]) -> list[sql.Composable]:
    return [
        matching(context, kind, mark.where)
        for mark in marks
        if mark.subject == kind.name and kind.table is not None
    ]


def _queried(
    context: Context, kind: Kind, table: Literal["hold", "restriction"]
) -> list[sql.Composable]:
    """Candidates of a named query on which a hold or restriction has been laid.

    What the warehouse marks as held or restricted is in force anyway and left out.
    """
    guards = context.graph.policy.guards
    other = guards.restrictions if table == "hold" else guards.holds
    queries: list[tuple[str, Marked | RiskFlag]] = [*guards.risk_flags.items(), *other.items()]
    text = (
        "{matching} AND EXISTS (SELECT FROM lethe.{table} AS q WHERE q.query_name = {name}"
        " AND q.subject_kind = {kind} AND q.released_at IS NULL)"
    )
    return [
        sql.SQL(text).format(
            matching=matching(context, kind, query.where),
            table=quoted(table),
            name=context.values.bind(name),
            kind=context.values.bind(kind.name),
        )
        for name, query in queries
        if query.subject == kind.name and kind.table is not None
    ]


def matching(context: Context, kind: Kind, where: Conditions) -> sql.Composable:
    """Candidates whose own row meets conditions."""
    if kind.table is None:
        raise ValueError("a subject that is a query has no row of its own")
    row = Row("s", kind.table, kind)
    own = [column("s", name) for name in kind.key]
    return sql.SQL("SELECT {key} FROM {table} AS s, candidates AS c WHERE {where}").format(
        key=comma(candidate_key(kind)),
        table=kind.table.identifier,
        where=all_of([*same(own, candidate_key(kind)), conditions_sql(context, row, where)]),
    )


def unarchived(context: Context, kind: Kind, tables: set[TableName]) -> list[sql.Composable]:
    """Candidates with an issued document that the archive does not hold as it is now.

    tables  those that the erasure touches; documents elsewhere do not matter
    """
    return [
        _missing(context, kind, name, document, way)
        for name, document in documents_of(context.graph, kind, tables).items()
        for way in context.graph.ways.get((kind.name, document.table), ())
    ]


def _missing(
    context: Context, kind: Kind, name: str, document: Document, way: Way
) -> sql.Composable:
    walked = walk(way, "d")
    row = Row("d", document.table, kind)
    text = (
        "SELECT {key} FROM {source}, candidates AS c WHERE {where} AND NOT EXISTS ("
        "SELECT FROM lethe.archived_document AS a WHERE {listed}"
        " AND (a.ended_on IS NOT NULL OR a.bound_digest = {digest}"
        # A list proves nothing: this document's record must be there (`guards.archived` opens it).
        " AND EXISTS (SELECT FROM lethe.archive_record AS r WHERE r.leaf_no = a.leaf_no"
        " AND r.document_type = a.document_type AND r.document_key = a.key)"
        # Of somebody who came back: what his earlier erasure blanked is archived as it was before.
        " OR EXISTS (SELECT FROM lethe.archive_frozen AS f JOIN lethe.archive_record AS r"
        " USING (subject_kind, subject_key) WHERE f.subject_kind = {kind}"
        " AND f.subject_key = {whose} AND r.leaf_no = a.leaf_no AND a.leaf_no < f.sealed_no)))"
    )
    first = sql.SQL("{} AS d").format(document.table.identifier)
    return sql.SQL(text).format(
        key=comma(candidate_key(kind)),
        source=walked.source(first),
        where=all_of(
            [
                *walked.conditions,
                *same(walked.owner, candidate_key(kind)),
                conditions_sql(context, row, document.issued),
            ]
        ),
        listed=listed_as(
            context, "a", name, key_text([column("d", c) for c in document_key(context, document)])
        ),
        digest=bound_digest(bound_text(context, kind, document, "d")),
        kind=context.values.bind(kind.name),
        whose=key_text(candidate_key(kind)),
    )
