"""By which columns the archive knows the documents of a kind, and whether they are still those."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from psycopg2 import extensions

from lethe.catalogue.conditions import Context
from lethe.catalogue.fragments import Values
from lethe.catalogue.graph import Graph
from lethe.errors import UsageError
from lethe.guards.bound import document_key
from lethe.include import statement
from lethe.policy.model.archive import Document

_OURS = "lethe."


def require_key(connection: extensions.connection, graph: Graph, name: str) -> None:
    """Refuse a kind of document that the archive knows by other columns: it would be taken for new.

    connection  of the runner
    Raises      UsageError
    """
    document = _document(graph, name)
    if document.key:
        return
    before = keys_of_last_night(connection).get(name) or _first_of_all(graph, document)
    now = _key(graph, document)
    if before == now:
        return
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/count_listed"), {"document_type": name})
        *_, listed = cursor.fetchone() or (0,)
    if listed:
        raise UsageError(
            f"archive.documents.{name}: its documents are archived by {_told(before)}, and the key "
            f"of {document.table} is {_told(now)} now: each would be archived a second time. Say "
            f"`key: [{', '.join(before)}]` there, or `key: [{', '.join(now)}]` if all of them, "
            "also those that have ended, are to be archived anew under it"
        )


def keys_of_last_night(connection: extensions.connection) -> dict[str, tuple[str, ...]]:
    """The columns by which the last closed night knew the documents, by kind of document."""
    with connection.cursor() as cursor:
        cursor.execute(statement("archive/read_keys"))
        (found,) = cursor.fetchone() or ({},)
    return {name: tuple(columns) for name, columns in found.items()}


def document_keys(
    graph: Graph, before: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The columns by which documents are known, for the ledger; kinds of other policies stay."""
    archive = graph.policy.archive
    documents = archive.documents if archive else {}
    return {**before, **{name: _key(graph, each) for name, each in documents.items()}}


def require_own_names(graph: Graph, name: str) -> None:
    """Refuse a table of documents with a column that is called as ours are.

    Raises  UsageError
    """
    table = _document(graph, name).table
    for column in graph.catalogue.tables[table].columns:
        if column.startswith(_OURS):
            raise UsageError(
                f"archive.documents.{name}: {table} has a column '{column}'; names that begin with "
                f"'{_OURS}' are the archive's own. Rename it, or archive a view of the table"
            )


def _document(graph: Graph, name: str) -> Document:
    archive = graph.policy.archive
    if archive is None:
        raise UsageError("the policy has no section archive; nothing is archived under it")
    return archive.documents[name]


def _key(graph: Graph, document: Document) -> tuple[str, ...]:
    return tuple(document_key(Context(graph, date.min, Values()), document))


def _first_of_all(graph: Graph, document: Document) -> tuple[str, ...]:
    """The columns of a night that wrote none down: it took a key with columns that may be NULL."""
    unique = graph.catalogue.tables[document.table].unique_keys
    return tuple(unique[0]) if unique else (document.number,)


def _told(columns: tuple[str, ...]) -> str:
    return f"({', '.join(columns)})"
