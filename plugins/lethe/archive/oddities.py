"""What is archived as it stands, and somebody should look at: numbers used twice, corrections of
what the archive does not hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from psycopg2 import extensions, sql

from lethe.archive.capture import Captured
from lethe.archive.statements import archive_of
from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.fragments import Statement, Values, all_of, column, comma, key_text
from lethe.catalogue.graph import Graph
from lethe.guards.bound import document_key, listed_as
from lethe.include import statement
from lethe.policy.model.archive import Document

SAME_NUMBER = "number used twice"
UNKNOWN = "corrects a document that the archive does not hold"
ITSELF = "names itself as what it corrects"


def note_oddities(
    connection: extensions.connection,
    graph: Graph,
    run_id: UUID,
    as_of: date,
    captured: Iterable[Captured],
) -> None:
    """Note them, once every kind of document is captured: a correction may name another kind."""
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/find_first_leaf"), {"run_id": str(run_id)})
        (first,) = cursor.fetchone() or (None,)
        for each in captured:
            found = {}
            if first is not None:
                named = {"document_type": each.document, "first": first}
                cursor.execute(statement("archive/count_same_number"), named)
                (found[SAME_NUMBER],) = cursor.fetchone() or (0,)
            corrections = count_corrections(graph, each.document, as_of)
            if corrections is not None:
                cursor.execute(corrections.text, corrections.values)
                found[UNKNOWN], found[ITSELF] = cursor.fetchone() or (0, 0)
            each.notes.update({note: count for note, count in found.items() if count})


def count_corrections(graph: Graph, name: str, as_of: date) -> Statement | None:
    """Count issued documents that correct what is not archived, and those that name themselves.

    A correction names a document by its key, where a foreign key says whose, else by key or number.
    Returns  None where the policy names no column for it
    """
    document = archive_of(graph).documents[name]
    if document.corrects is None:
        return None
    context = Context(graph, as_of, Values())
    targets = _targets(graph, document)
    text = (
        "SELECT count(*) FILTER (WHERE NOT itself), count(*) FILTER (WHERE itself)"
        " FROM (SELECT {named} AS named, {itself} AS itself FROM {table} AS d"
        " WHERE btrim(coalesce({named}, '')) <> '' AND {issued}) AS c"
        " WHERE itself OR {unknown}"
    )
    named = sql.SQL("{}::text").format(column("d", document.corrects))
    own = [sql.SQL("{}::text").format(column("d", document.number))]
    key = document_key(context, document)
    if targets.get(name) is document and len(targets) == 1 and len(key) == 1:
        own.append(sql.SQL("{}::text").format(column("d", key[0])))
    return Statement(
        sql.SQL(text).format(
            named=named,
            itself=sql.SQL("{} IN ({})").format(named, comma(own)),
            table=document.table.identifier,
            issued=conditions_sql(
                context, Row("d", document.table, graph.kinds[document.subject]), document.issued
            ),
            unknown=_unknown(context, targets),
        ),
        context.values.bound,
    )


def _targets(graph: Graph, document: Document) -> dict[str, Document]:
    """The kinds of document that one kind can correct."""
    documents = archive_of(graph).documents
    tables = {
        key.parent
        for key in graph.catalogue.foreign_keys_from(document.table)
        if key.child_columns == (document.corrects,)
    }
    found = {name: each for name, each in documents.items() if each.table in tables}
    return found or dict(documents)


def _unknown(context: Context, targets: dict[str, Document]) -> sql.Composable:
    absent = sql.SQL("NOT EXISTS (SELECT FROM {} WHERE {})").format
    key, named = key_text([column("c", "named")]), column("c", "named")
    conditions = []
    for name, target in targets.items():
        listed = listed_as(context, "a", name, key)
        conditions.append(absent(sql.SQL("lethe.archived_document AS a"), listed))
        # Its record, where the warehouse has it no more; its row, where its record has ended.
        numbered = sql.SQL("r.kind = 'document' AND r.number = {} AND r.document_type = {}")
        where = numbered.format(named, context.values.bind(name))
        conditions.append(absent(sql.SQL("lethe.archive_record AS r"), where))
        own = key_text([column("o", each) for each in document_key(context, target)])
        source = sql.SQL("{} AS o JOIN lethe.archived_document AS a ON {}").format(
            target.table.identifier, listed_as(context, "a", name, own)
        )
        same = sql.SQL("{}::text = {}").format(column("o", target.number), named)
        conditions.append(absent(source, same))
    return all_of(conditions)
