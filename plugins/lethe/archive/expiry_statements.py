"""When an archived document has come to its end, as SQL: pure, from policy and catalogue.

heirs       versions of a customer that is gone, with whom the document belongs to since
counted     living documents by subject, of every kind of subject
owned       those of this kind, with the key of the subject as the warehouse types it
asked       their subjects
e0, e1 …, live   deactivation, as the warehouse has it now (`erasure.clock`)
absent      subjects without one that the warehouse has no more, such as accounts that were merged
standing    each subject: deactivation that counts, live or frozen where the account is erased
documents   document records of subjects whose period has passed; of a batch, its own
ends        last day by the policy, last day by the law, the later of the two
candidates  subjects of what is past its last day
held, restricted   what stops it
decided     the result: leaf_no, key, due_on, outcome, law

A subject is judged every night, and a record only once the period of its subject has passed: until
then it cannot be due, whatever the law says of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg2 import sql

from lethe.archive.financial_year import financial_year_end
from lethe.archive.returned import is_back, is_of_form
from lethe.archive.statements import archive_of, kinds_of
from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import Statement, Values, all_of, column, comma
from lethe.catalogue.graph import Graph, Kind
from lethe.catalogue.ways import same, written_key
from lethe.erasure.clock import deactivation, with_list
from lethe.guards.statements import candidate_key, held, key_columns, restricted
from lethe.policy.model.archive import Archive
from lethe.policy.names import quoted

UNNAMED = "refused: kind not in the policy"
GONE = "refused: customer gone"
ANOTHER_KEY = "refused: key of another form"
_OF_BATCH = " AND r.leaf_no = ANY(%(leaves)s)"
_RECORD = "r.leaf_no, r.country, r.issued_on, r.document_type, r.document_key, s.*"
_BATCH_RECORDS = (
    "SELECT {record} FROM lethe.archive_record AS r LEFT JOIN heirs AS h ON h.leaf_no = r.leaf_no"
    " JOIN standing AS s ON s.subject_key = coalesce(h.subject_key, r.subject_key)"
    " WHERE r.kind = 'document' AND r.subject_kind = {kind} AND r.leaf_no = ANY(%(leaves)s)"
)
_PASSED_RECORDS = (
    "SELECT {record} FROM standing AS s JOIN lethe.archive_record AS r"
    " ON hash_array_extended(r.subject_key, 0) = hash_array_extended(s.subject_key, 0)"
    " AND r.subject_key = s.subject_key"
    " WHERE r.kind = 'document' AND r.subject_kind = {kind} AND ({passed})"
    # No join: whatever the planner thinks of their number, it looks them up.
    " AND r.leaf_no NOT IN (SELECT leaf_no FROM heirs)"
    " UNION ALL SELECT {record} FROM heirs AS h"
    " JOIN lethe.archive_record AS r ON r.leaf_no = h.leaf_no"
    " JOIN standing AS s ON s.subject_key = h.subject_key WHERE ({passed})"
)


def judge_expiry(graph: Graph, kind_name: str, as_of: date, *, batch: bool = False) -> Statement:
    """Compose what judges the archived documents of a kind of subject, up to `decided`.

    batch  only the records with the numbers `leaves` (bigint[]), each of them
    """
    kind = graph.kinds[kind_name]
    archive = archive_of(graph)
    context = Context(graph, as_of, Values())
    relations = [
        ("heirs", _heirs(context, kind, batch=batch)),
        ("counted", _counted(context, kind, batch=batch)),
        ("owned", _owned(context, kind)),
        ("asked", _asked(kind)),
        *deactivation(context, kind, archive, "asked"),
        ("absent", _absent(kind)),
        ("standing", _standing(context, kind, archive)),
        ("documents", _documents(context, kind, archive, batch=batch)),
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
    """The key as the warehouse types it now; NULL where the archived one has another form."""
    own = sql.SQL("{}.subject_key").format(quoted(alias))
    return comma(
        sql.SQL("CASE WHEN {} THEN {} END AS {}").format(
            is_of_form(own, kind.types), part, quoted(f"k{at}")
        )
        for at, part in enumerate(written_key(kind, own))
    )


def _counted(context: Context, kind: Kind, *, batch: bool) -> sql.Composable:
    """First by whose they are, without a join; the few with an heir change sides then."""
    text = (
        "SELECT c.subject_kind, c.subject_key, sum(c.documents)::bigint AS documents FROM ("
        "SELECT r.subject_kind, r.subject_key, count(*) AS documents"
        " FROM lethe.archive_record AS r WHERE r.kind = 'document'{only} GROUP BY 1, 2"
        " UNION ALL SELECT r.subject_kind, r.subject_key, -1"
        " FROM heirs AS h JOIN lethe.archive_record AS r ON r.leaf_no = h.leaf_no"
        " UNION ALL SELECT {kind}, h.subject_key, 1 FROM heirs AS h"
        ") AS c GROUP BY 1, 2 HAVING sum(c.documents) > 0"
    )
    only = sql.SQL(_OF_BATCH) if batch else sql.SQL("")
    return sql.SQL(text).format(kind=context.values.bind(kind.name), only=only)


def _owned(context: Context, kind: Kind) -> sql.Composable:
    text = "SELECT c.subject_key, c.documents, {} FROM counted AS c WHERE c.subject_kind = {}"
    return sql.SQL(text).format(_typed(kind, "c"), context.values.bind(kind.name))


def _documents(context: Context, kind: Kind, archive: Archive, *, batch: bool) -> sql.Composable:
    """Where the newest version of a document has ended, what is left of a customer that is gone
    follows it: the period of the customer whom it belonged to had passed."""
    text = (
        "SELECT r.leaf_no, r.country, {year_end} AS year_end, {keys}, r.deactivated_on,"
        " CASE WHEN a.ended_on IS NULL THEN r.open END AS open,"
        " coalesce(a.ended_on - 1, r.by_policy) AS by_policy"
        " FROM ({records}) AS r"
        " LEFT JOIN lethe.archived_document AS a ON r.open = {gone}"
        " AND hash_array_extended(a.key, 0) = hash_array_extended(r.document_key, 0)"
        " AND a.document_type = r.document_type AND a.key = r.document_key"
        " AND a.ended_on IS NOT NULL"
    )
    return sql.SQL(text).format(
        year_end=financial_year_end(archive, sql.SQL("r.issued_on")),
        keys=comma(candidate_key(kind, "r")),
        gone=sql.Literal(GONE),
        records=sql.SQL(_BATCH_RECORDS if batch else _PASSED_RECORDS).format(
            record=sql.SQL(_RECORD),
            kind=context.values.bind(kind.name),
            passed=is_passed(context.values.bind(context.as_of)),
        ),
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
        " CROSS JOIN LATERAL (SELECT o.* FROM lethe.archive_record AS o"
        " WHERE p.subject_key <> n.subject_key"
        " AND hash_array_extended(o.subject_key, 0) = hash_array_extended(p.subject_key, 0)"
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
    known = [sql.SQL("{} IS NOT NULL").format(part) for part in candidate_key(kind, "o")]
    return sql.SQL("SELECT DISTINCT {} FROM owned AS o WHERE {}").format(
        comma(candidate_key(kind, "o")), all_of(known)
    )


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


def _standing(context: Context, kind: Kind, archive: Archive) -> sql.Composable:
    """The frozen value rules, unless the account came to life again after it was erased."""
    text = (
        "SELECT t.*, (t.deactivated_on + {period}::interval)::date AS by_policy"
        " FROM (SELECT o.*, CASE"
        " WHEN l.running THEN NULL"
        " WHEN {lives} OR l.refusal IS NULL AND l.day > f.erased_on THEN l.day"
        " ELSE f.deactivated_on END AS deactivated_on, CASE"
        " WHEN l.running THEN 'active'"
        " WHEN f.subject_key IS NULL AND {unreadable} THEN {another}"
        " WHEN {lives} AND l.refusal IS NOT NULL THEN 'refused: ' || l.refusal"
        " WHEN f.subject_key IS NULL AND n.k0 IS NOT NULL THEN {gone}"
        " WHEN {lives} AND l.day IS NULL THEN 'refused: no starting point'"
        " END AS open"
        " FROM owned AS o LEFT JOIN live AS l ON {same} LEFT JOIN absent AS n ON {missing}"
        " LEFT JOIN lethe.archive_frozen AS f"
        " ON f.subject_kind = {kind} AND f.subject_key = o.subject_key) AS t"
    )
    own = candidate_key(kind, "o")
    return sql.SQL(text).format(
        period=sql.Literal(archive.period.interval),
        lives=sql.SQL("(f.subject_key IS NULL OR {})").format(is_back(context, kind, own)),
        unreadable=sql.SQL("({}) IS NULL").format(own[0]),
        another=sql.Literal(ANOTHER_KEY),
        gone=sql.Literal(GONE),
        same=all_of(same(candidate_key(kind, "l"), own)),
        missing=all_of(same(candidate_key(kind, "n"), own)),
        kind=context.values.bind(kind.name),
    )


def is_passed(day: sql.Composable) -> sql.Composed:
    """The period of a subject of `standing` has passed, or what is left of it is looked at."""
    text = (
        "CASE WHEN s.open IS NULL THEN coalesce(s.by_policy < {}::date, true) ELSE s.open = {} END"
    )
    return sql.SQL(text).format(day, sql.Literal(GONE))


def count_waiting(graph: Graph, as_of: date) -> Statement:
    """Count, behind `judge_expiry`, the documents of subjects whose period runs, and those of
    kinds of subject that the policy names no more.

    Returns  (outcome, documents)
    """
    context = Context(graph, as_of, Values())
    text = (
        "SELECT coalesce(s.open, 'not yet due'), sum(s.documents)::bigint FROM standing AS s"
        "  WHERE NOT ({passed}) GROUP BY 1"
        " UNION ALL SELECT {unnamed}, sum(c.documents)::bigint FROM counted AS c"
        " WHERE c.subject_kind <> ALL(%(kinds)s) HAVING count(*) > 0"
        " UNION ALL SELECT NULL, coalesce(sum(o.documents), 0)::bigint FROM owned AS o"
    )
    return Statement(
        sql.SQL(text).format(
            passed=is_passed(sql.Placeholder("as_of")), unnamed=sql.Literal(UNNAMED)
        ),
        {**context.values.bound, "kinds": kinds_of(graph), "as_of": as_of},
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
        "SELECT t.*, greatest(t.by_policy, t.by_law) AS last_day"
        " FROM (SELECT d.*, (d.year_end + {law})::date AS by_law FROM documents AS d) AS t"
    )
    return sql.SQL(text).format(law=law)


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
