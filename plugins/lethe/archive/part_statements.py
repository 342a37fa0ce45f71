"""Documents by part, as SQL: what a night adds up, and what it compares."""

from __future__ import annotations

from psycopg2 import sql

from lethe.archive.document_reasons import document_reason
from lethe.archive.statements import DocumentStatements
from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import Statement, Values
from lethe.guards.bound import fingerprint, listed_as


class PartStatements(DocumentStatements):
    """The statements of one kind of document, those by part among them."""

    @property
    def has_key(self) -> bool:
        """A key of their table names the documents, and not their number."""
        return self._has_key

    def sum_parts(self) -> Statement:
        """Sum the hashes of issued documents by part, and of their lines: a scan and no join.

        Returns  (part, documents, fingerprint)
        """
        context = Context(self._graph, self._as_of, Values())
        # Within it, so that the planner does not take every document for a part of its own.
        text = (
            "SELECT part, count(*), sum(hash) FROM (SELECT {part} AS part, {hash} AS hash"
            " FROM {table} AS d WHERE {issued} OFFSET 0) AS d GROUP BY 1"
        )
        return Statement(
            sql.SQL(text).format(
                part=self._part(context),
                hash=self._hash(context),
                table=self.document.table.identifier,
                issued=self._issued(context),
            ),
            context.values.bound,
        )

    def find_unlisted(self) -> Statement:
        """Find issued documents that the archive never held, in some parts.

        values   parts (integer[])
        Returns  (part, documents, fingerprint, their keys, each the text form of text[])
        """
        context = Context(self._graph, self._as_of, Values())
        key = self._key(context, "d")
        text = (
            "SELECT part, count(*), sum(hash), array_agg(key)"
            " FROM (SELECT {part} AS part, {hash} AS hash, {key}::text AS key FROM {table} AS d"
            " WHERE {issued} AND {part} = ANY(%(parts)s)"
            " AND NOT EXISTS (SELECT FROM lethe.archived_document AS a WHERE {listed})) AS d"
            " GROUP BY 1"
        )
        return Statement(
            sql.SQL(text).format(
                part=self._part(context),
                hash=self._hash(context),
                key=key,
                table=self.document.table.identifier,
                issued=self._issued(context),
                listed=listed_as(context, "a", self.name, key),
            ),
            context.values.bound,
        )

    def compare(self) -> Statement:
        """Compare issued documents with what the archive holds of them.

        values   parts (integer[])
        Returns  (part, outcome, documents, those of them that the archive holds, fingerprint,
                 keys of those that are to be read); outcome NULL: new or changed
        """
        context = Context(self._graph, self._as_of, Values())
        text = (
            "SELECT part, reason, count(*), count(*) FILTER (WHERE is_held), sum(hash),"
            " array_agg(key) FILTER (WHERE reason IS NULL OR reason LIKE 'refused%%')"
            " FROM (SELECT {part} AS part, {hash} AS hash, {reason} AS reason,"
            " {key}::text AS key, a.key IS NOT NULL AND a.ended_on IS NULL AS is_held"
            " FROM {source} WHERE {issued} AND {part} = ANY(%(parts)s) OFFSET 0) AS j GROUP BY 1, 2"
        )
        return Statement(
            sql.SQL(text).format(
                part=self._part(context),
                hash=self._hash(context),
                reason=document_reason(
                    context, self._archive, self._kind, self.document, has_key=self._has_key
                ),
                key=self._key(context, "d"),
                source=self._source(context),
                issued=self._issued(context),
            ),
            context.values.bound,
        )

    def _hash(self, context: Context) -> sql.Composable:
        return fingerprint(context, self._kind, self.document, "d")
