"""When an archived document has come to its end, as SQL: pure, from policy and catalogue.

heirs       versions of a customer that is gone, with whom the document belongs to since
documents   living document records, with the end of their financial year
asked       their subjects
e0, e1 …, live   deactivation, as the warehouse has it now (`erasure.clock`)
absent      subjects without one that the warehouse has no more, such as accounts that were merged
dated       deactivation that counts: live, or frozen where the account is erased
ends        last day by the policy, last day by the law, the later of the two
candidates  subjects of what is past its last day
held, restricted   what stops it
decided     the result: leaf_no, key, due_on, outcome, law
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg2 import sql

from lethe.archive.financial_year import financial_year_end
from lethe.archive.statements import archive_of
from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import Statement, Values, all_of, column, comma, type_name
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.ways import same
from lethe.erasure.clock import deactivation, with_list
from lethe.guards.statements import candidate_key, held, key_columns, restricted
from lethe.policy.model.archive import Archive
from lethe.policy.names import quoted

_OF_BATCH = " AND r.leaf_no = ANY(%(leaves)s)"


def judge_expiry(graph: Graph, kind_name: str, as_of: date, *, batch: bool = False) -> Statement:
    """Compose what judges every archived document of a kind of subject, up to `decided`.

    batch  only the records with the numbers `leaves` (bigint[])
    """
    kind = graph.kinds[kind_name]
    archive = archive_of(graph)
    context = Context(graph, as_of, Values())
    relations = [
        ("heirs", _heirs(context, kind, batch=batch)),
        ("documents", _documents(context, kind, archive, batch=batch)),
        ("asked", _asked(kind)),
        *deactivation(context, kind, archive, "asked"),
        ("absent", _absent(kind)),
        ("dated", _dated(context, kind)),
        ("ends", _ends(context, archive)),
        ("judged", _judged(context)),
        ("candidates", _candidates(kind)),
        ("held", _union(kind, held(context, kind))),
        ("restricted", _union(kind, restricted(context, kind))),
        ("decided", _decided(kind)),
    ]
    return Statement(with_list(relations), context.values.bound)


def lock_subjects(graph: Graph, kind_name: str) -> Statement | None:
    """Lock the living subjects of records, so that none is reactivated under the last check.

    values  leaves (bigint[])
    """
    kind = graph.kinds[kind_name]
    if kind.table is None:
        return None
    own = [column("s", name) for name in kind.key]
    text = (
        "SELECT FROM {table} AS s JOIN (SELECT DISTINCT {keys} FROM lethe.archive_record AS r"
        " WHERE r.leaf_no = ANY(%(leaves)s) AND r.subject_kind = {kind}) AS a ON {same}"
        " FOR UPDATE OF s"
    )
    context = Context(graph, date.min, Values())
    return Statement(
        sql.SQL(text).format(
            table=kind.table.identifier,
            keys=_typed(kind, "r"),
            kind=context.values.bind(kind.name),
            same=all_of(same(own, candidate_key(kind, "a"))),
        ),
        context.values.bound,
    )


def _typed(kind: Kind, alias: str) -> sql.Composed:
    return comma(
        sql.SQL("{}.subject_key[{}]::{} AS {}").format(
            quoted(alias), sql.Literal(at + 1), type_name(sql_type), quoted(f"k{at}")
        )
        for at, sql_type in enumerate(kind.types)
    )


def _documents(context: Context, kind: Kind, archive: Archive, *, batch: bool) -> sql.Composable:
    text = (
        "SELECT r.*, {keys} FROM (SELECT r.leaf_no, r.country, {year_end} AS year_end,"
        " coalesce(h.subject_key, r.subject_key) AS subject_key"
        " FROM lethe.archive_record AS r LEFT JOIN heirs AS h ON h.leaf_no = r.leaf_no"
        " WHERE r.kind = 'document' AND r.subject_kind = {kind}{only}) AS r"
    )
    return sql.SQL(text).format(
        year_end=financial_year_end(archive, sql.SQL("r.issued_on")),
        keys=_typed(kind, "r"),
        kind=context.values.bind(kind.name),
        only=sql.SQL(_OF_BATCH) if batch else sql.SQL(""),
    )


def _heirs(context: Context, kind: Kind, *, batch: bool) -> sql.Composable:
    """Accounts that were merged: the earlier versions end with the newest, by its customer's clock.

    The newest version is bound to the party data of the first. A few documents have more than one.
    """
    text = (
        "SELECT r.leaf_no, n.subject_key FROM lethe.archive_record AS n"
        " JOIN lethe.archived_document AS a"
        " ON hash_array_extended(a.key, 0) = hash_array_extended(n.document_key, 0)"
        " AND a.document_type = n.document_type AND a.key = n.document_key"
        " AND a.leaf_no = n.leaf_no AND a.ended_on IS NULL"
        " JOIN lethe.archive_record AS p ON p.leaf_no = n.party_no"
        " AND p.subject_key <> n.subject_key"
        " CROSS JOIN LATERAL (SELECT o.* FROM lethe.archive_record AS o"
        " WHERE hash_array_extended(o.subject_key, 0) = hash_array_extended(p.subject_key, 0)"
        " AND o.kind = 'document' AND o.content_token IS NULL AND o.party_no = n.party_no"
        " UNION ALL SELECT o.* FROM lethe.archive_record AS o"
        " WHERE o.kind = 'document' AND o.content_token IS NOT NULL AND o.party_no = n.party_no"
        ") AS r"
        " LEFT JOIN lethe.archive_frozen AS f"
        " ON f.subject_kind = {kind} AND f.subject_key = r.subject_key"
        " WHERE n.kind = 'document' AND n.content_token IS NOT NULL AND n.subject_kind = {kind}"
        " AND r.document_type = n.document_type AND r.document_key = n.document_key"
        " AND r.subject_key <> n.subject_key"
        " AND f.subject_key IS NULL AND NOT EXISTS (SELECT FROM {source} AS s WHERE {same}){only}"
    )
    own = [sql.SQL("{}::text").format(column("s", name)) for name in kind.key]
    key = [sql.SQL("r.subject_key[{}]").format(sql.Literal(at + 1)) for at in range(len(own))]
    return sql.SQL(text).format(
        kind=context.values.bind(kind.name),
        source=kind.source,
        same=all_of(same(own, key)),
        only=sql.SQL(_OF_BATCH) if batch else sql.SQL(""),
    )


def _asked(kind: Kind) -> sql.Composable:
    return sql.SQL("SELECT DISTINCT {} FROM documents").format(key_columns(kind))


def _absent(kind: Kind) -> sql.Composable:
    own = [column("s", name) for name in kind.key]
    text = (
        "SELECT {keys} FROM live AS l WHERE l.day IS NULL"
        " AND NOT EXISTS (SELECT FROM {source} AS s WHERE {same})"
    )
    return sql.SQL(text).format(
        keys=comma(candidate_key(kind, "l")),
        source=kind.source,
        same=all_of(same(own, candidate_key(kind, "l"))),
    )


def _dated(context: Context, kind: Kind) -> sql.Composable:
    """The frozen value rules, unless the account came to life again after it was erased."""
    text = (
        "SELECT d.*, f.subject_key IS NOT NULL AS erased, CASE"
        " WHEN l.running THEN NULL"
        " WHEN f.subject_key IS NULL OR l.refusal IS NULL AND l.day > f.erased_on THEN l.day"
        " ELSE f.deactivated_on END AS deactivated_on, CASE"
        " WHEN l.running THEN 'active'"
        " WHEN f.subject_key IS NULL AND l.refusal IS NOT NULL THEN 'refused: ' || l.refusal"
        " WHEN f.subject_key IS NULL AND n.k0 IS NOT NULL THEN 'refused: customer gone'"
        " WHEN f.subject_key IS NULL AND l.day IS NULL THEN 'refused: no starting point'"
        " END AS open"
        " FROM documents AS d JOIN live AS l ON {same} LEFT JOIN absent AS n ON {missing}"
        " LEFT JOIN lethe.archive_frozen AS f"
        " ON f.subject_kind = {kind} AND f.subject_key = d.subject_key"
    )
    return sql.SQL(text).format(
        same=all_of(same(candidate_key(kind, "l"), candidate_key(kind, "d"))),
        missing=all_of(same(candidate_key(kind, "n"), candidate_key(kind, "d"))),
        kind=context.values.bind(kind.name),
    )


def _ends(context: Context, archive: Archive) -> sql.Composable:
    """The minimum of the country on the document, else the controller's; none without citation."""
    own = context.graph.policy.controller.country
    whens = [
        sql.SQL("WHEN {} THEN {}::interval").format(
            context.values.bind(country), sql.Literal(minimum.period.interval)
        )
        for country, minimum in archive.legal_minimum.items()
        if country != own
    ]
    base = archive.legal_minimum.get(own)
    other: sql.Composable = sql.SQL("NULL::interval")
    if base is not None:
        other = sql.SQL("{}::interval").format(sql.Literal(base.period.interval))
    law = other
    if whens:
        law = sql.SQL("CASE country {} ELSE {} END").format(sql.SQL(" ").join(whens), other)
    text = (
        "SELECT t.*, greatest(t.by_policy, t.by_law) AS last_day FROM (SELECT d.*,"
        " (d.deactivated_on + {period}::interval)::date AS by_policy,"
        " (d.year_end + {law})::date AS by_law FROM dated AS d) AS t"
    )
    return sql.SQL(text).format(period=sql.Literal(archive.period.interval), law=law)


def _judged(context: Context) -> sql.Composable:
    text = (
        "SELECT e.*, CASE WHEN e.open IS NOT NULL THEN e.open"
        " WHEN e.last_day >= {day}::date AND e.by_policy < {day}::date"
        " THEN 'beyond the promise'"
        " WHEN e.last_day >= {day}::date THEN 'not yet due' ELSE 'due' END AS outcome"
        " FROM ends AS e"
    )
    return sql.SQL(text).format(day=context.values.bind(context.as_of))


def _candidates(kind: Kind) -> sql.Composable:
    return sql.SQL("SELECT DISTINCT {} FROM judged WHERE outcome = 'due'").format(key_columns(kind))


def _union(kind: Kind, parts: Sequence[sql.Composable]) -> sql.Composable:
    if not parts:
        return sql.SQL("SELECT {} FROM candidates WHERE false").format(key_columns(kind))
    return sql.SQL(" UNION ").join(
        sql.SQL("SELECT DISTINCT {} FROM ({}) AS p({})").format(
            key_columns(kind), part, key_columns(kind)
        )
        for part in parts
    )


def _decided(kind: Kind) -> sql.Composable:
    joins = sql.SQL(" ").join(
        sql.SQL("LEFT JOIN {0} ON {1}").format(
            quoted(name), all_of(same(candidate_key(kind, name), candidate_key(kind, "j")))
        )
        for name in ("held", "restricted")
    )
    text = (
        "SELECT j.leaf_no, ARRAY[j.leaf_no::text] AS key, j.country,"
        " j.deactivated_on AS starting_on,"
        " j.last_day + 1 AS due_on, CASE WHEN j.outcome <> 'due' THEN j.outcome"
        " WHEN held.k0 IS NOT NULL THEN 'held' WHEN restricted.k0 IS NOT NULL THEN 'restricted'"
        " ELSE 'due' END AS outcome FROM judged AS j {joins}"
    )
    return sql.SQL(text).format(joins=joins)
