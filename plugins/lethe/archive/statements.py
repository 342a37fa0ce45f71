"""What is to be archived, as SQL: pure, from policy and catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import (
    Statement,
    Values,
    all_of,
    column,
    comma,
    key_text,
    type_name,
)
from lethe.catalogue.graph import Graph, Kind, Way
from lethe.catalogue.ways import same, walk
from lethe.errors import UsageError
from lethe.guards.bound import (
    bound_digest,
    bound_text,
    document_day,
    document_key,
    joined,
    lost,
    object_text,
    rows_text,
)
from lethe.policy.model import Policy
from lethe.policy.model.archive import Archive, Bound, Document
from lethe.policy.names import TableName


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

    def find_pending(self) -> Statement:
        """Write the work list: issued documents that are new or changed, or cannot be archived.

        values   run_id (uuid), rule (text)
        Returns  (reason, count): what became of every issued document of the warehouse; reason
                 NULL for those on the work list
        """
        context = Context(self._graph, self._as_of, Values())
        text = (
            "WITH judged AS MATERIALIZED (SELECT {key} AS key, {day} AS day, {k}, CASE"
            " WHEN a.ended_on IS NOT NULL THEN 'past its period'"
            " WHEN a.key IS NOT NULL AND f.subject_key IS NOT NULL THEN 'account erased'"
            " WHEN a.key IS NOT NULL AND a.bound_digest = {digest} THEN 'unchanged'"
            " WHEN o.owner IS NULL THEN 'refused: no customer'"
            " WHEN {day} IS NULL THEN 'refused: no date'"
            " WHEN {day} < {first}::date OR {day} > {last}::date"
            " THEN 'refused: implausible date'"
            " WHEN btrim(coalesce({number}::text, '')) = '' THEN 'refused: no number' END AS reason"
            " FROM {table} AS d LEFT JOIN LATERAL ({owner}) AS o ON true"
            " LEFT JOIN lethe.archived_document AS a"
            " ON a.document_type = {name} AND a.key = {key}"
            " LEFT JOIN lethe.archive_frozen AS f"
            " ON f.subject_kind = {kind} AND f.subject_key = o.owner WHERE {issued}),"
            " listed AS (INSERT INTO lethe.plan_subject"
            " (run_id, rule, subject_no, subject_kind, key, due_on)"
            " SELECT %(run_id)s, %(rule)s, row_number() OVER (ORDER BY {owner_order}, day, key),"
            " {name}, key, day FROM judged WHERE reason IS NULL RETURNING 1)"
            " SELECT reason, count(*) FROM judged GROUP BY reason"
        )
        plausible = self._archive.starting_point.plausible
        return Statement(
            sql.SQL(text).format(
                key=self._key(context, "d"),
                k=comma(self._owner_columns("o")),
                owner_order=comma(self._owner_columns("judged")),
                day=document_day(context, self.document, "d"),
                number=column("d", self.document.number),
                digest=bound_digest(bound_text(context, self._kind, self.document, "d")),
                table=self.document.table.identifier,
                owner=self._owner(context),
                issued=conditions_sql(
                    context, Row("d", self.document.table, self._kind), self.document.issued
                ),
                first=context.values.bind(plausible.from_),
                last=context.values.bind(plausible.to),
                name=context.values.bind(self.name),
                kind=context.values.bind(self._kind.name),
            ),
            context.values.bound,
        )

    def find_deleted(self) -> Statement:
        """Count archived documents of living accounts that the warehouse has no more."""
        context = Context(self._graph, self._as_of, Values())
        text = (
            "SELECT count(*) FROM lethe.archived_document AS a"
            " JOIN lethe.archive_record AS r USING (leaf_no)"
            " LEFT JOIN lethe.archive_frozen AS f"
            " ON f.subject_kind = r.subject_kind AND f.subject_key = r.subject_key"
            " WHERE a.document_type = {name} AND a.ended_on IS NULL AND f.subject_key IS NULL"
            " AND NOT EXISTS (SELECT FROM {table} AS d WHERE {same} AND {issued})"
        )
        return Statement(
            sql.SQL(text).format(
                name=context.values.bind(self.name),
                table=self.document.table.identifier,
                same=self._is(context, "d", "a.key"),
                issued=conditions_sql(
                    context, Row("d", self.document.table, self._kind), self.document.issued
                ),
            ),
            context.values.bound,
        )

    def read_batch(self) -> Statement:
        """Read documents of the work list with everything bound to them.

        values   run_id (uuid), rule (text), after, size (bigint)
        Returns  rows as `capture_rows.Row`; the party's text stands with the first document of a
                 subject (and day, where a history says what held then), else NULL
        """
        context = Context(self._graph, self._as_of, Values())
        text = (
            "WITH batch AS MATERIALIZED (SELECT b.subject_no, b.key FROM lethe.plan_subject AS b"
            " WHERE b.run_id = %(run_id)s AND b.rule = %(rule)s AND b.subject_no > %(after)s"
            " ORDER BY b.subject_no LIMIT %(size)s),"
            " found AS MATERIALIZED (SELECT b.subject_no, b.key AS listed, d.*,"
            " row_number() OVER (PARTITION BY {party_of} ORDER BY b.subject_no) = 1 AS is_first"
            " FROM batch AS b LEFT JOIN LATERAL (SELECT {key} AS key, {number}::text AS number,"
            " {day} AS day, {country} AS country, {currency} AS currency, {total} AS total,"
            " {corrects} AS corrects, {bound} AS bound, o.*"
            " FROM {table} AS d LEFT JOIN LATERAL ({owner}) AS o ON true"
            " WHERE {same} AND {issued}) AS d ON true)"
            " SELECT c.subject_no, c.key::text, c.owner::text, c.number, c.day::text, c.country,"
            " c.currency, c.total, c.corrects, c.bound, {digest},"
            " CASE WHEN c.is_first THEN {party} END, {year_end}::text,"
            " a.bound_digest, a.leaf_no,"
            " to_json(c.key)::text, to_json(c.owner)::text,"
            " a.ended_on IS NOT NULL OR (a.key IS NOT NULL AND f.subject_key IS NOT NULL),"
            " (SELECT coalesce(max(h.head_no), 0) FROM lethe.archive_head AS h)"
            " FROM found AS c"
            " LEFT JOIN lethe.archived_document AS a"
            " ON a.document_type = {name} AND a.key = c.listed"
            " LEFT JOIN lethe.archive_frozen AS f"
            " ON f.subject_kind = {kind} AND f.subject_key = c.owner"
            " ORDER BY c.subject_no"
        )
        document = self.document
        party_of = [*self._owner_columns("d"), *([sql.SQL("d.day")] if self.by_day else [])]
        return Statement(
            sql.SQL(text).format(
                key=self._key(context, "d"),
                number=column("d", document.number),
                day=document_day(context, document, "d"),
                party_of=comma(party_of),
                country=self._optional(document.country, "upper(btrim({}::text))"),
                currency=self._optional(document.currency, "{}::text"),
                total=self._optional(document.total, "{}::text"),
                corrects=self._optional(document.corrects, "{}::text"),
                bound=bound_text(context, self._kind, document, "d"),
                table=document.table.identifier,
                same=self._is(context, "d", "b.key"),
                owner=self._owner(context),
                issued=conditions_sql(
                    context, Row("d", document.table, self._kind), document.issued
                ),
                digest=bound_digest(sql.SQL("c.bound")),
                party=self._party(context),
                year_end=self.year_end(sql.SQL("c.day")),
                name=context.values.bind(self.name),
                kind=context.values.bind(self._kind.name),
            ),
            context.values.bound,
        )

    @property
    def by_day(self) -> bool:
        """Party data may differ from one day of issue to another."""
        return any(bound.history is not None for bound in self._archive.party)

    def _owner_columns(self, alias: str) -> list[sql.Composable]:
        return [column(alias, f"k{i}") for i in range(len(self._kind.key))]

    def year_end(self, day: sql.Composable) -> sql.Composed:
        """The last day of the financial year that a day falls in."""
        return financial_year_end(self._archive, day)

    def _optional(self, name: str | None, pattern: str) -> sql.Composable:
        if name is None:
            return sql.SQL("NULL::text")
        return sql.SQL(pattern).format(column("d", name))

    def _key(self, context: Context, alias: str) -> sql.Composed:
        return key_text([column(alias, name) for name in document_key(context, self.document)])

    def _is(self, context: Context, alias: str, key: str) -> sql.Composable:
        """The document is the one with that key, by the columns themselves: an index serves it."""
        names = document_key(context, self.document)
        types = [self._graph.column_type(self.document.table, name) for name in names]
        return all_of(
            sql.SQL("{} = ({})[{}]::{}").format(
                column(alias, name), sql.SQL(key), sql.Literal(at), type_name(sql_type)
            )
            for at, (name, sql_type) in enumerate(zip(names, types, strict=True), start=1)
        )

    def _owner(self, context: Context) -> sql.Composable:
        """The subject of a document: owner (text[]) and k0, k1, …; no row where there is none."""
        kind, found = self._kind, []
        for way in context.graph.ways.get((kind.name, self.document.table), ()):
            walked = walk(way, "d")
            names = comma(
                sql.SQL("{} AS {}").format(part, sql.Identifier(f"k{i}"))
                for i, part in enumerate(walked.owner)
            )
            where = [
                *walked.conditions,
                *(sql.SQL("{} IS NOT NULL").format(part) for part in walked.owner),
                self._there(walked.owner),
            ]
            source = (
                sql.SQL("FROM {}").format(comma(walked.tables)) if walked.tables else sql.SQL("")
            )
            found.append(
                sql.SQL("SELECT {key} AS owner, {names} {source} WHERE {where}").format(
                    key=key_text(walked.owner), names=names, source=source, where=all_of(where)
                )
            )
        if not found:
            raise lost(self.document.table, kind.name)
        return sql.SQL("{} LIMIT 1").format(sql.SQL(" UNION ALL ").join(found))

    def _there(self, owner: tuple[sql.Composable, ...]) -> sql.Composable:
        kind = self._kind
        own = [column("s", name) for name in kind.key]
        return sql.SQL("EXISTS (SELECT FROM {} AS s WHERE {})").format(
            kind.source, all_of(same(own, owner))
        )

    def _party(self, context: Context) -> sql.Composable:
        return joined(self._parts(context))

    def _parts(self, context: Context) -> Iterator[tuple[str, sql.Composable]]:
        for bound in self._archive.party:
            ways = context.graph.ways.get((self._kind.name, bound.table), ())
            if not ways:
                raise lost(bound.table, self._kind.name)
            current = rows_text(self._rows(context, bound.table, ways, bound, bound.columns))
            at_capture = joined([("basis", sql.SQL("'\"capture\"'")), ("rows", current)])
            if bound.history is None:
                yield str(bound.table), at_capture
                continue
            yield str(bound.table), self._by_history(context, bound, bound.history, at_capture)

    def _by_history(
        self, context: Context, bound: Bound, history: TableName, at_capture: sql.Composable
    ) -> sql.Composable:
        """The rows that held on the day of issue, else those of the capture."""
        ways = context.graph.ways.get((self._kind.name, history), ())
        if not ways:
            raise lost(history, self._kind.name)
        there = self._graph.catalogue.tables[history].columns
        known = tuple(name for name in bound.columns if name in there)
        then = self._rows(context, history, ways, bound, known, then=True)
        parts = [("basis", sql.SQL("'\"history\"'")), ("rows", rows_text(then))]
        rest = tuple(name for name in bound.columns if name not in there)
        if rest:
            now = rows_text(
                self._rows(
                    context,
                    bound.table,
                    context.graph.ways[self._kind.name, bound.table],
                    bound,
                    rest,
                )
            )
            parts.append(("rest_at_capture", now))
        return sql.SQL("CASE WHEN EXISTS ({}) THEN {} ELSE {} END").format(
            then, joined(parts), at_capture
        )

    def _rows(
        self,
        context: Context,
        table: TableName,
        ways: tuple[Way, ...],
        bound: Bound,
        columns: tuple[str, ...],
        *,
        then: bool = False,
    ) -> sql.Composable:
        found = []
        for way in ways:
            walked = walk(way, "p")
            owner = [column("c", f"k{i}") for i in range(len(self._kind.key))]
            where = [*walked.conditions, *same(walked.owner, owner)]
            if then:
                where += self._held_then(context, table, bound)
            else:
                where.append(conditions_sql(context, Row("p", table, self._kind), bound.where))
            first = sql.SQL("{} AS p").format(table.identifier)
            found.append(
                sql.SQL("SELECT {} AS j FROM {} WHERE {}").format(
                    object_text("p", columns), walked.source(first), all_of(where)
                )
            )
        return sql.SQL(" UNION ").join(found)

    def _held_then(
        self, context: Context, history: TableName, bound: Bound
    ) -> Iterator[sql.Composable]:
        def day(name: str) -> sql.Composable:
            return day_sql(context, column("p", name), self._graph.column_type(history, name))

        if bound.valid_from:
            yield sql.SQL("{} <= c.day").format(day(bound.valid_from))
        if bound.valid_to:
            yield sql.SQL("({} IS NULL OR {} > c.day)").format(
                column("p", bound.valid_to), day(bound.valid_to)
            )


def financial_year_end(archive: Archive, day: sql.Composable) -> sql.Composed:
    """The last day of the financial year that a day falls in; a day that the month lacks is its
    last."""
    month, last = (int(part) for part in archive.financial_year_end.split("-"))
    in_year = (
        "least(make_date({year}, {month}, 1) + {more},"
        " (make_date({year}, {month}, 1) + interval '1 month' - interval '1 day')::date)"
    )
    year = sql.SQL("extract(year FROM {})::int").format(day)
    after = sql.SQL("{} + 1").format(year)

    def end(of: sql.Composable) -> sql.Composed:
        return sql.SQL(in_year).format(
            year=of, month=sql.Literal(month), more=sql.Literal(last - 1)
        )

    return sql.SQL("CASE WHEN {} <= {} THEN {} ELSE {} END").format(
        day, end(year), end(year), end(after)
    )
