"""What is to be archived, as SQL: pure, from policy and catalogue."""

from __future__ import annotations

from datetime import date

from psycopg2 import sql

from lethe.archive.document_keys import require_own_names
from lethe.archive.document_reasons import document_reason, erased_since
from lethe.archive.financial_year import financial_year_end
from lethe.archive.owner_statements import owner_of
from lethe.archive.party_statements import PartyStatements
from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.fragments import (
    Statement,
    Values,
    all_of,
    column,
    comma,
    key_text,
    type_name,
)
from lethe.catalogue.graph import Graph, Kind
from lethe.errors import UsageError
from lethe.guards.bound import (
    bound_text,
    document_day,
    document_key,
    is_sure,
    listed_as,
)
from lethe.policy.model import Policy
from lethe.policy.model.archive import Archive, Document


def archive_of(graph: Graph) -> Archive:
    """The archive section of the policy.

    Raises  UsageError if there is none
    """
    return archive_of_policy(graph.policy)


def archive_of_policy(policy: Policy) -> Archive:
    """The archive section of a policy.

    Raises  UsageError if there is none
    """
    if policy.archive is None:
        raise UsageError("the policy has no section archive; nothing is archived under it")
    return policy.archive


def kinds_of(graph: Graph) -> list[str]:
    """The kinds of subject that have documents."""
    return sorted({document.subject for document in archive_of(graph).documents.values()})


class DocumentStatements:
    """The statements of one kind of document."""

    def __init__(self, graph: Graph, name: str, as_of: date) -> None:
        archive = archive_of(graph)
        self.name = name
        self.document: Document = archive.documents[name]
        self._archive = archive
        self._graph = graph
        self._as_of = as_of
        self._kind: Kind = graph.kinds[self.document.subject]
        require_own_names(graph, name)

    def count_some(self) -> Statement:
        """Count issued documents, up to a limit.

        values  limit (bigint)
        """
        context = Context(self._graph, self._as_of, Values())
        text = "SELECT count(*) FROM (SELECT FROM {table} AS d WHERE {issued} LIMIT %(limit)s) AS d"
        return Statement(
            sql.SQL(text).format(
                table=self.document.table.identifier, issued=self._issued(context)
            ),
            context.values.bound,
        )

    def read_pending(self, *, by_key: bool = False) -> Statement:
        """Read documents that are new or changed, or cannot be archived, with what is bound.

        by_key   those with some keys alone, wherever they are
        values   parts (integer[]; NULL: every part); keys (text[], each the text form of text[])
        Returns  rows as `capture_rows.Row`, those of a subject together; the party's text stands
                 with the first document of a subject (and day, where a history says what held
                 then), else NULL
        """
        context = Context(self._graph, self._as_of, Values())
        # The names with a dot are ours: no column of the documents is called so.
        text = (
            'SELECT d."lethe.reason", d."lethe.key"::text, d."lethe.owner"::text, {number}::text,'
            ' d."lethe.day"::text, {country}, {currency}, {total}, {corrects},'
            ' CASE WHEN d."lethe.reason" IS NULL THEN {year_end} END::text,'
            ' d."lethe.leaf", CASE WHEN d."lethe.reason" IS NULL THEN {bound} END,'
            ' CASE WHEN d."lethe.first" THEN {party} END'
            " FROM (SELECT j.*, row_number() OVER (PARTITION BY {party_of}"
            ' ORDER BY j."lethe.day", j."lethe.key") = 1 AND j."lethe.reason" IS NULL'
            ' AS "lethe.first" FROM (SELECT d.*, {k}, o.owner AS "lethe.owner",'
            ' {day} AS "lethe.day", {key} AS "lethe.key", a.leaf_no AS "lethe.leaf",'
            ' {reason} AS "lethe.reason" FROM {source}'
            " WHERE {issued}{some}"
            ' OFFSET 0) AS j WHERE j."lethe.reason" IS NULL'
            " OR j.\"lethe.reason\" LIKE 'refused%%' ORDER BY {owner_order},"
            ' j."lethe.day", j."lethe.key" OFFSET 0) AS d,'
            ' LATERAL (SELECT {c}, d."lethe.day" AS day) AS c'
        )
        document = self.document
        places = range(len(self._kind.key))
        ours = [sql.Identifier(f"lethe.k{i}") for i in places]
        order = [sql.SQL("j.{}").format(name) for name in ours]
        by_day = [sql.SQL('j."lethe.day"')] if self.by_day else []
        refused = [sql.SQL('j."lethe.reason" IS NULL')]
        some = " AND (%(parts)s::int[] IS NULL OR {} = ANY(%(parts)s::int[]))"
        return Statement(
            sql.SQL(text).format(
                number=column("d", document.number),
                country=self._optional(document.country, "upper(btrim({}::text))"),
                currency=self._optional(document.currency, "{}::text"),
                total=self._optional(document.total, "{}::text"),
                corrects=self._optional(document.corrects, "{}::text"),
                year_end=financial_year_end(self._archive, sql.SQL('d."lethe.day"')),
                bound=bound_text(context, self._kind, document, "d"),
                party=PartyStatements(self._graph, self._archive, self._kind).text(context),
                party_of=comma([*order, *by_day, *refused]),
                k=comma(
                    sql.SQL("o.{} AS {}").format(sql.Identifier(f"k{i}"), ours[i]) for i in places
                ),
                c=comma(
                    sql.SQL("d.{} AS {}").format(ours[i], sql.Identifier(f"k{i}")) for i in places
                ),
                day=document_day(context, document, "d"),
                key=self._key(context, "d"),
                reason=document_reason(
                    context, self._archive, self._kind, self.document, has_key=self._has_key
                ),
                source=self._source(context, by_key=by_key),
                issued=self._issued(context),
                some=sql.SQL("" if by_key else some).format(self._part(context)),
                owner_order=comma(order),
            ),
            context.values.bound,
        )

    def find_deleted(self) -> Statement:
        """Count archived documents of living accounts that the warehouse has no more.

        By the text of keys: the type of a column may have changed since.
        """
        context = Context(self._graph, self._as_of, Values())
        text = (
            "SELECT count(*) FROM lethe.archived_document AS a"
            " JOIN lethe.archive_record AS r USING (leaf_no)"
            " LEFT JOIN lethe.archive_frozen AS f"
            " ON f.subject_kind = r.subject_kind AND f.subject_key = r.subject_key"
            " WHERE a.document_type = {name} AND a.ended_on IS NULL AND NOT {erased_since}"
            " AND NOT EXISTS (SELECT FROM {table} AS d WHERE {key} = a.key AND {issued})"
        )
        return Statement(
            sql.SQL(text).format(
                name=context.values.bind(self.name),
                erased_since=erased_since("f"),
                table=self.document.table.identifier,
                key=self._key(context, "d"),
                issued=conditions_sql(
                    context, Row("d", self.document.table, self._kind), self.document.issued
                ),
            ),
            context.values.bound,
        )

    @property
    def by_day(self) -> bool:
        """Party data may differ from one day of issue to another."""
        return any(bound.history is not None for bound in self._archive.party)

    def _source(self, context: Context, *, by_key: bool = False) -> sql.Composable:
        """Documents d, their subject o, what is archived of them a, its frozen clock f."""
        text = (
            "{documents} AS d LEFT JOIN LATERAL ({owner}) AS o ON true"
            " LEFT JOIN lethe.archived_document AS a ON {listed}"
            " LEFT JOIN lethe.archive_frozen AS f"
            " ON f.subject_kind = {kind} AND f.subject_key = o.owner"
        )
        return sql.SQL(text).format(
            documents=self._named(context) if by_key else self._documents(context),
            owner=owner_of(context, self._kind, self.document.table),
            listed=listed_as(context, "a", self.name, self._key(context, "d")),
            kind=context.values.bind(self._kind.name),
        )

    def _named(self, context: Context) -> sql.Composable:
        """The documents with some keys, found by the index over them."""
        text = "(SELECT d.* FROM unnest(%(keys)s::text[]) AS n(key) JOIN {table} AS d ON {same})"
        same = all_of(
            sql.SQL("{} = (n.key::text[])[{}]::{}").format(
                column("d", name),
                sql.Literal(at),
                type_name(self._graph.column_type(self.document.table, name)),
            )
            for at, name in enumerate(document_key(context, self.document), start=1)
        )
        return sql.SQL(text).format(table=self.document.table.identifier, same=same)

    def _documents(self, context: Context) -> sql.Composable:
        """The documents; where their key may be that of several, with how many have the same."""
        if self._has_key:
            return self.document.table.identifier
        text = (
            '(SELECT d.*, count(*) OVER (PARTITION BY {key}) AS "lethe.same"'
            " FROM {table} AS d WHERE {issued})"
        )
        return sql.SQL(text).format(
            key=comma(column("d", name) for name in document_key(context, self.document)),
            table=self.document.table.identifier,
            issued=self._issued(context),
        )

    @property
    def _has_key(self) -> bool:
        context = Context(self._graph, self._as_of, Values())
        return is_sure(self._graph, self.document, document_key(context, self.document))

    def _part(self, context: Context) -> sql.Composable:
        """Parts of 32 days of issue, each in 128 by key: what changes leaves most as they are."""
        text = (
            "CASE WHEN {day} BETWEEN '1900-01-01'::date AND '2199-12-31'::date"
            " THEN ({day} - '1900-01-01'::date) / 32 * 128"
            " + (hash_array_extended({key}, 0) & 127)::integer ELSE -1 END"
        )
        return sql.SQL(text).format(
            day=document_day(context, self.document, "d"), key=self._key(context, "d")
        )

    def _issued(self, context: Context) -> sql.Composable:
        row = Row("d", self.document.table, self._kind)
        return conditions_sql(context, row, self.document.issued)

    def _optional(self, name: str | None, pattern: str) -> sql.Composable:
        if name is None:
            return sql.SQL("NULL::text")
        return sql.SQL(pattern).format(column("d", name))

    def _key(self, context: Context, alias: str) -> sql.Composed:
        return key_text([column(alias, name) for name in document_key(context, self.document)])
