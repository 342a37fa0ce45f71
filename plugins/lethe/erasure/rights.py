"""Rights at the act, with the runner's eyes: row-level security, and what triggers write to.

What a trigger function writes is told from its text, as far as that can be read; what it does
beyond that ends in an error that names the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2 import extensions

from lethe.catalogue.graph import Graph
from lethe.connections import group_role
from lethe.erasure.grants import needed_grants
from lethe.errors import ConfigurationError
from lethe.evidence.privileges import Grant, missing_grants
from lethe.include import statement
from lethe.policy.names import TableName

_WRITES = re.compile(
    r"\b(?P<verb>INSERT\s+INTO|DELETE\s+FROM|UPDATE)\s+(?:ONLY\s+)?"
    r'(?P<name>(?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))?)',
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that would end in SQLSTATE 42501 at the act.

    way_out  SQL for whoever owns the table
    """

    code: str
    table: TableName
    says: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.table}: {self.says}: {self.way_out}"


def has_roles(connection: extensions.connection) -> bool:
    """Whether `lethe init` has been in this database; roles are of the whole server."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regrole('lethe_runner'), to_regrole('lethe_planner'),"
            " to_regnamespace('lethe')"
        )
        return None not in (cursor.fetchone() or (None,))


def find_obstacles(
    connection: extensions.connection, graph: Graph, grants: Sequence[Grant]
) -> Iterator[Obstacle]:
    """Find what would stop the runner at the act, though it has every right on the tables.

    grants  as `needed_grants` names them
    """
    yield from _filtered(connection, grants)
    yield from _unmaintained(connection, graph)
    yield from _denied_to_triggers(connection, graph, grants)


def require_rights(connection: extensions.connection, graph: Graph) -> None:
    """Stop before the plan where the act would stop for want of a right.

    Raises  ConfigurationError naming table, obstacle and way out
    """
    if not has_roles(connection):
        return
    grants = needed_grants(graph)
    obstacles = find_obstacles(connection, graph, grants)
    found = [str(each) for each in obstacles if each.code != "not-refreshed"]
    found += [
        f"{grant.table}: role {group_role(grant.role)} lacks {', '.join(grant.privileges)}: run "
        "`lethe init`, or give your DBA what `lethe init --print-sql` prints"
        for grant in missing_grants(connection, grants)
        if grant.privileges != ("MAINTAIN",)  # an alarm, and no reason to keep what is due
    ]
    connection.rollback()
    if found:
        raise ConfigurationError("the sweep would be refused at the act; " + "; ".join(found))


def _filtered(connection: extensions.connection, grants: Sequence[Grant]) -> Iterator[Obstacle]:
    tables = sorted({grant.table for grant in grants})
    with connection.cursor() as cursor:
        cursor.execute(
            statement("erasure/find_filtered"),
            {**_pairs(tables), "roles": [group_role("runner"), group_role("planner")]},
        )
        rows = cursor.fetchall()
    for role, schema, table in rows:
        yield Obstacle(
            "filtered-rows",
            TableName(schema, table),
            f"row-level security filters what role {role} sees, so that every statement on it "
            "stops with an error",
            f"ALTER ROLE {role} BYPASSRLS",
        )


def _unmaintained(connection: extensions.connection, graph: Graph) -> Iterator[Obstacle]:
    views = graph.refreshed_views
    runner = group_role("runner")
    with connection.cursor() as cursor:
        cursor.execute(
            statement("erasure/find_unmaintained"),
            {
                "role": runner,
                "schemas": [view.schema for view in views],
                "views": [view.name for view in views],
            },
        )
        rows = cursor.fetchall()
    for schema, name in rows:
        view = TableName(schema, name)
        yield Obstacle(
            "not-refreshed",
            view,
            f"the policy wants this view refreshed after a sweep, and {runner} may not: its "
            "clauses are not kept",
            f"GRANT MAINTAIN ON {view} TO {runner} (from PostgreSQL 17 on; `lethe init` does it), "
            f"or ALTER MATERIALIZED VIEW {view} OWNER TO {runner}",
        )


def _denied_to_triggers(
    connection: extensions.connection, graph: Graph, grants: Sequence[Grant]
) -> Iterator[Obstacle]:
    changed = sorted(
        {grant.table for grant in grants if {*grant.privileges} & {"DELETE", "UPDATE"}}
    )
    changed = [table for table in changed if table in graph.catalogue.tables]
    runner = group_role("runner")
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        (usual,) = cursor.fetchone() or ("",)
        cursor.execute(statement("erasure/read_trigger_functions"), _pairs(changed))
        for schema, table, trigger, function, path, source in cursor.fetchall():
            writes = _writes_of(source)
            cursor.execute("SELECT set_config('search_path', %s, true)", (path or usual,))
            cursor.execute(
                statement("erasure/find_denied"),
                {
                    "role": runner,
                    "names": [name for name, _ in writes],
                    "privileges": [privilege for _, privilege in writes],
                },
            )
            denied = cursor.fetchall()
            cursor.execute("SELECT set_config('search_path', %s, true)", (usual,))
            for _, target, privilege in denied:
                yield Obstacle(
                    "trigger-right",
                    TableName(schema, table),
                    f"trigger {trigger} calls {function} with the rights of the runner, which "
                    f"lacks {privilege} on {target}",
                    f"GRANT {privilege} ON {target} TO {runner} (and USAGE on its schema), or "
                    f"ALTER FUNCTION {function}() SECURITY DEFINER",
                )


def _writes_of(source: str) -> list[tuple[str, str]]:
    """(table as written, privilege) of the plain statements in a function's text."""
    text = _COMMENTS.sub(" ", source)
    found = [(match["name"], match["verb"].split()[0].upper()) for match in _WRITES.finditer(text)]
    return list(dict.fromkeys(found))


def _pairs(tables: Sequence[TableName]) -> dict[str, list[str]]:
    return {"schemas": [each.schema for each in tables], "tables": [each.name for each in tables]}
