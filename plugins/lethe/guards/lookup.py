"""Find subjects by key or natural identifier without the value standing in any statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg2
from psycopg2 import extensions, sql

from lethe.catalogue.fragments import all_of, column, key_text, type_name
from lethe.catalogue.graph import Kind
from lethe.errors import UsageError, WarehouseRefused, describe_database_error
from lethe.evidence.copying import Field, copy_lines, write_field
from lethe.include import statement
from lethe.policy.model.subjects import Identifier

Key = tuple[str, ...]

_NORMALISED = {
    "exact": "btrim({}::text)",
    "lower": "lower(btrim({}::text))",
    "digits": "regexp_replace({}::text, '\\D', '', 'g')",
}


def find_by_key(connection: extensions.connection, kind: Kind, key: Sequence[str]) -> list[Key]:
    """Find a subject by its key; the key comes back as PostgreSQL writes it.

    Raises  UsageError if the key has another number of parts or does not fit its columns
    """
    if len(key) != len(kind.key):
        raise UsageError(
            f"subject '{kind.name}' has the key ({', '.join(kind.key)}): give {len(kind.key)} "
            f"values, not {len(key)}"
        )
    conditions = [
        sql.SQL("{} = a.parts[{}]::{}").format(column("s", name), sql.Literal(at), type_name(each))
        for at, (name, each) in enumerate(zip(kind.key, kind.types, strict=True), start=1)
    ]
    return _find(connection, kind, key, conditions)


def find_by_identifier(
    connection: extensions.connection, kind: Kind, name: str, value: Sequence[str]
) -> list[Key]:
    """Find the subjects of a kind by a natural identifier, such as an e-mail address.

    value   one part a column of the identifier
    Raises  UsageError if the policy has no such identifier
    """
    identifiers = kind.policy.identifiers
    if name not in identifiers:
        raise UsageError(
            f"subject '{kind.name}' has no identifier '{name}'; it has: "
            f"{', '.join(identifiers) or 'none'}"
        )
    identifier = identifiers[name]
    if len(value) != len(identifier.columns):
        raise UsageError(
            f"identifier '{name}' has {len(identifier.columns)} parts "
            f"({', '.join(identifier.columns)}), not {len(value)}"
        )
    return _find(connection, kind, value, _matching(identifier))


def _matching(identifier: Identifier) -> list[sql.Composable]:
    normalised = sql.SQL(_NORMALISED[identifier.normalise])
    return [
        sql.SQL("{} = {}").format(
            normalised.format(column("s", name)),
            normalised.format(sql.SQL("a.parts[{}]").format(sql.Literal(at))),
        )
        for at, name in enumerate(identifier.columns, start=1)
    ]


def _find(
    connection: extensions.connection,
    kind: Kind,
    parts: Sequence[str],
    conditions: Sequence[sql.Composable],
) -> list[Key]:
    own = [column("s", name) for name in kind.key]
    select = sql.SQL(
        "SELECT DISTINCT {key} FROM {source} AS s, pg_temp.lethe_asked AS a WHERE {where}"
    ).format(
        key=key_text(own),
        source=kind.source,
        where=all_of([*conditions, *(sql.SQL("{} IS NOT NULL").format(part) for part in own)]),
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("guards/ask_for_subjects"))
            cursor.execute("TRUNCATE pg_temp.lethe_asked")
            copy_rows(connection, "guards/copy_asked", [(array_text(parts),)])
            cursor.execute(select, {})
            return [tuple(row[0]) for row in cursor.fetchall()]
    except psycopg2.DataError:
        connection.rollback()
        raise UsageError(
            f"a value does not fit its column: the key of subject '{kind.name}' is "
            f"{', '.join(f'{n} ({t})' for n, t in zip(kind.key, kind.types, strict=True))}"
        ) from None
    except psycopg2.Error as error:
        connection.rollback()
        raise WarehouseRefused(
            f"subjects of '{kind.name}' could not be looked up: {describe_database_error(error)}",
            error.pgcode,
        ) from None


def copy_rows(connection: extensions.connection, name: str, rows: Iterable[Sequence[Field]]) -> int:
    """Send rows through the COPY statement `name`; returns how many."""
    return copy_lines(connection, name, ("\t".join(map(write_field, row)) for row in rows))


def array_text(parts: Sequence[str]) -> str:
    """Write a text[] as PostgreSQL reads it."""
    escaped = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
    return "{" + ",".join(f'"{part}"' for part in escaped) + "}"
