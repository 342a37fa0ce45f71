"""What is bound to a document, as canonical JSON made by the server, and its digest.

The server writes JSON strings as RFC 8785 wants them, names are sorted here, and every value is
text or null: so the text is canonical, the same in the archive and in the sweep's last check, and
no upgrade of a number format can change it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import rfc8785
from psycopg2 import sql

from lethe.catalogue.conditions import Context, Row, conditions_sql
from lethe.catalogue.days import day_sql
from lethe.catalogue.fragments import all_of, column, comma, key_text
from lethe.catalogue.graph import Graph, Hop, Kind
from lethe.catalogue.ways import equalities, walk
from lethe.errors import UsageError
from lethe.policy.model.archive import Bound, Document
from lethe.policy.names import TableName


def document_key(context: Context, document: Document) -> Sequence[str]:
    """The columns that name a document: those of the policy, its table's key, else its number."""
    keys = whole_keys(context.graph, document)
    return document.key or (keys[0] if keys else (document.number,))


def is_sure(graph: Graph, document: Document, key: Iterable[str]) -> bool:
    """No two documents can have the same key."""
    return any(set(each) <= set(key) for each in whole_keys(graph, document))


def whole_keys(graph: Graph, document: Document) -> list[tuple[str, ...]]:
    """The keys of the table of a document; a column that may be NULL tells no two rows apart."""
    table = graph.catalogue.tables[document.table]
    return [
        key for key in table.unique_keys if not any(table.columns[name].nullable for name in key)
    ]


def bound_text(context: Context, kind: Kind, document: Document, alias: str) -> sql.Composable:
    """The document's own row and its lines as one canonical JSON text."""
    row = object_text(alias, document_columns(document))
    lines = joined(
        (
            name,
            rows_text(
                sql.SQL("SELECT {} AS j FROM {} AS l WHERE {}").format(
                    object_text("l", bound.columns),
                    bound.table.identifier,
                    all_of(
                        [
                            *equalities(_hop(context, kind, document, bound), "l", alias),
                            conditions_sql(context, Row("l", bound.table, kind), bound.where),
                        ]
                    ),
                )
            ),
        )
        for name, bound in named(document.lines)
    )
    return joined([("document", row), ("lines", lines)])


def named(bounds: Iterable[Bound]) -> Iterator[tuple[str, Bound]]:
    """Bound tables by the names that they have in a record; one that is bound again is numbered."""
    met: Counter[TableName] = Counter()
    for bound in bounds:
        met[bound.table] += 1
        number = met[bound.table]
        yield f"{bound.table}#{number}" if number > 1 else str(bound.table), bound


def bound_digest(text: sql.Composable) -> sql.Composed:
    """SHA-256 of a text that the server makes."""
    return sql.SQL("sha256(convert_to({}, 'UTF8'))").format(text)


def fingerprint(context: Context, kind: Kind, document: Document, alias: str) -> sql.Composable:
    """A hash of what `bound_text` is made of, and of whose the document is: quicker by far, and no
    proof.

    Where two values are equal and written differently, their texts are hashed. A way to the
    subject through other tables is walked: what the document itself holds tells nothing of it.
    """
    ways = context.graph.ways.get((kind.name, document.table), ())
    owner = [name for way in ways for name in (*way[0].columns, *dict(way[0].where))]
    names = dict.fromkeys([*document_key(context, document), *document_columns(document), *owner])
    found = _row_hash(context, document.table, alias, names)
    for bound in document.lines:
        text = "(SELECT coalesce(sum({}), 0) FROM {} AS l WHERE {})"
        where = [
            *equalities(_hop(context, kind, document, bound), "l", alias),
            conditions_sql(context, Row("l", bound.table, kind), bound.where),
        ]
        lines = sql.SQL(text).format(
            _row_hash(context, bound.table, "l", bound.columns),
            bound.table.identifier,
            all_of(where),
        )
        found = sql.SQL("hashtextextended({}::text, {})").format(lines, found)
    for walked in (walk(way, alias) for way in ways if len(way) > 1):
        text = "(SELECT coalesce(sum(hashtextextended({}::text, 0)), 0) FROM {} WHERE {})"
        whose = sql.SQL(text).format(
            key_text(walked.owner), comma(walked.tables), all_of(walked.conditions)
        )
        found = sql.SQL("hashtextextended({}::text, {})").format(whose, found)
    return found


_HASHED_AS_THEY_ARE = frozenset(
    {"bigint", "integer", "smallint", "boolean", "date", "uuid", "timestamp with time zone"}
)


def _row_hash(
    context: Context, table: TableName, alias: str, names: Iterable[str]
) -> sql.Composable:
    values = [
        sql.SQL(
            "{}"
            if context.graph.column_type(table, name) in _HASHED_AS_THEY_ARE
            else '{}::text COLLATE "C"'
        ).format(column(alias, name))
        for name in names
    ]
    return sql.SQL("hash_record_extended(ROW({}), 0)").format(sql.SQL(", ").join(values))


def listed_as(context: Context, alias: str, name: str, key: sql.Composable) -> sql.Composable:
    """A row of the list of archived documents is that of a document; its index begins with a hash.

    name  kind of document
    key   its key, as text[]
    """
    text = (
        "hash_array_extended({a}.key, 0) = hash_array_extended({key}, 0)"
        " AND {a}.document_type = {name} AND {a}.key = {key}"
    )
    return sql.SQL(text).format(a=sql.Identifier(alias), name=context.values.bind(name), key=key)


def document_columns(document: Document) -> tuple[str, ...]:
    """Every column of the document that is archived, each once."""
    own = (
        document.number,
        document.issued_on,
        document.country,
        document.currency,
        document.total,
        document.corrects,
    )
    return tuple(dict.fromkeys([*document.columns, *(name for name in own if name)]))


def document_day(context: Context, document: Document, alias: str) -> sql.Composable:
    """The day of issue, in the policy's time zone."""
    sql_type = context.graph.column_type(document.table, document.issued_on)
    return day_sql(context, column(alias, document.issued_on), sql_type)


def object_text(alias: str, columns: Iterable[str]) -> sql.Composed:
    """A row as a JSON object of texts, names in the order of RFC 8785."""
    return joined(
        (name, sql.SQL("coalesce(to_json({}::text)::text, 'null')").format(column(alias, name)))
        for name in dict.fromkeys(columns)
    )


def rows_text(select: sql.Composable) -> sql.Composed:
    """Rows of one text column `j` as a JSON array, in the order of their bytes."""
    text = (
        "(SELECT '[' || coalesce(string_agg(j, ',' ORDER BY j COLLATE \"C\"), '') || ']'"
        " FROM ({}) AS j)"
    )
    return sql.SQL(text).format(select)


def joined(members: Iterable[tuple[str, sql.Composable]]) -> sql.Composed:
    """A JSON object of texts that the server makes, names in the order of RFC 8785."""
    ordered = sorted(members, key=lambda member: member[0].encode("utf-16-be"))
    if len({name for name, _ in ordered}) < len(ordered):
        raise ValueError("two members of one name: no record could be read again")
    pieces: list[sql.Composable] = []
    for number, (name, value) in enumerate(ordered):
        mark = ("," if number else "{") + rfc8785.dumps(name).decode() + ":"
        pieces += [_literal(mark), value]
    if not pieces:
        return sql.Composed([sql.SQL("'{}'::text")])
    return sql.SQL("({} || '}}')").format(sql.SQL(" || ").join(pieces))


def _literal(text: str) -> sql.SQL:
    """A text as a literal; a percent sign would be read as a place for a value."""
    quoted = text.replace("\\", "\\\\").replace("'", "''").replace("%", "%%")
    return sql.SQL(f"E'{quoted}'")


def _hop(context: Context, kind: Kind, document: Document, bound: Bound) -> Hop:
    """How a line names its document: as a way of the policy goes, else by a foreign key."""
    ways = context.graph.ways.get((kind.name, bound.table), ())
    for way in ways:
        if way[0].to == document.table:
            return way[0]
    for key in context.graph.catalogue.foreign_keys:
        if key.child == bound.table and key.parent == document.table:
            return Hop(key.child_columns, key.parent, key.parent_columns)
    raise lost(bound.table, document.table)


def lost(table: TableName, towards: TableName | str) -> UsageError:
    """A table that the archive names and cannot reach."""
    return UsageError(
        f"archive: nothing leads from {table} to {towards}; declare a link under "
        f"tables.{table}.links"
    )
