"""The data of the party of a document, as SQL: pure, from policy and catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import all_of, column
from lethe.catalogue.graph import Graph, Kind, Way
from lethe.catalogue.ways import same, walk
from lethe.errors import UsageError
from lethe.guards.bound import joined, lost, named, object_text, rows_text
from lethe.policy.model.archive import Archive, Bound
from lethe.policy.names import TableName


class PartyStatements:
    """The text of the party's data, for a relation `c` of subjects (k0, k1, …) and days (day)."""

    def __init__(self, graph: Graph, archive: Archive, kind: Kind) -> None:
        self._graph = graph
        self._archive = archive
        self._kind = kind

    def text(self, context: Context) -> sql.Composable:
        """The data as one canonical JSON text."""
        return joined(self._parts(context))

    def _parts(self, context: Context) -> Iterator[tuple[str, sql.Composable]]:
        for name, bound in named(self._archive.party):
            ways = context.graph.ways.get((self._kind.name, bound.table), ())
            if not ways:
                self._require_others(context, bound.table)
                continue
            current = rows_text(self._rows(context, bound.table, ways, bound, bound.columns))
            at_capture = joined([("basis", sql.SQL("'\"capture\"'")), ("rows", current)])
            if bound.history is None:
                yield name, at_capture
                continue
            yield name, self._by_history(context, bound, bound.history, at_capture)

    def _require_others(self, context: Context, table: TableName) -> None:
        """Data that guests have not are left out for them; what hangs on nobody is a fault."""
        kinds = {document.subject for document in self._archive.documents.values()}
        if not any(context.graph.ways.get((name, table)) for name in kinds):
            raise lost(table, self._kind.name)

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
        """The rows that held then, of those that `where` names; its dates say which hold today."""
        where = [
            each
            for each in bound.where
            if each.column is None or each.column not in (bound.valid_from, bound.valid_to)
        ]
        columns = self._graph.catalogue.tables[history].columns
        for each in where:
            if each.column is not None and each.column not in columns:
                raise UsageError(
                    f"archive: party: {bound.table}: `where` asks for '{each.column}', which its "
                    f"history {history} has not: other rows would be archived than the policy names"
                )
        yield conditions_sql(context, Row("p", history, self._kind), where)

        def day(name: str) -> sql.Composable:
            return day_sql(context, column("p", name), self._graph.column_type(history, name))

        if bound.valid_from:
            yield sql.SQL("{} <= c.day").format(day(bound.valid_from))
        if bound.valid_to:
            yield sql.SQL("({} IS NULL OR {} > c.day)").format(
                column("p", bound.valid_to), day(bound.valid_to)
            )
