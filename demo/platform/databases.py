"""The two databases of the demo and the roles that work in them.

Production has its own DBA for this (`lethe init --print-sql`); here the platform is the DBA.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg2
from psycopg2 import sql

from demo.platform.credentials import (
    LOADER,
    METADATA,
    WAREHOUSE,
    WAREHOUSE_CONNECTIONS,
    WATCHER,
)


def prepare_databases(superuser_dsn: str, passwords: Mapping[str, str]) -> None:
    """Create what is missing and set every role's password to the one given."""
    connection = psycopg2.connect(superuser_dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for group in (group for _, group in WAREHOUSE_CONNECTIONS.values()):
                _create_role(cursor, group, "NOLOGIN")
            for role, password in passwords.items():
                _create_role(cursor, role, "LOGIN", password)
            for login, group in WAREHOUSE_CONNECTIONS.values():
                _execute(cursor, "GRANT {} TO {}", group, login)
                # The loader is this warehouse's DBA: it hands out Lethe's rights on its tables.
                _execute(cursor, "GRANT {} TO {} WITH ADMIN OPTION", group, LOADER)
            _create_database(cursor, METADATA, owner=METADATA)
            _create_database(cursor, WAREHOUSE, owner=LOADER)
            if WATCHER in passwords:
                _execute(cursor, "GRANT pg_read_all_data TO {}", WATCHER)
                _execute(cursor, "GRANT CONNECT ON DATABASE {} TO {}", METADATA, WATCHER)
            for _, group in WAREHOUSE_CONNECTIONS.values():
                _execute(cursor, "GRANT CONNECT ON DATABASE {} TO {}", WAREHOUSE, group)
            _execute(cursor, "GRANT CREATE ON DATABASE {} TO {}", WAREHOUSE, "lethe_owner")
    finally:
        connection.close()


def drop_warehouse(superuser_dsn: str) -> None:
    """Drop the demo warehouse, for instance to fill it anew."""
    connection = psycopg2.connect(superuser_dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            _execute(cursor, "DROP DATABASE IF EXISTS {} WITH (FORCE)", WAREHOUSE)
    finally:
        connection.close()


def _create_role(
    cursor: psycopg2.extensions.cursor, role: str, kind: str, password: str | None = None
) -> None:
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
    verb = "ALTER" if cursor.rowcount else "CREATE"
    command = sql.SQL(f"{verb} ROLE {{}} {kind}").format(sql.Identifier(role))
    if password is not None:
        command += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
    cursor.execute(command)


def _create_database(cursor: psycopg2.extensions.cursor, name: str, owner: str) -> None:
    cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
    if not cursor.rowcount:
        _execute(cursor, "CREATE DATABASE {} OWNER {}", name, owner)
    _execute(cursor, "REVOKE ALL ON DATABASE {} FROM PUBLIC", name)


def _execute(cursor: psycopg2.extensions.cursor, command: str, *names: str) -> None:
    cursor.execute(sql.SQL(command).format(*(sql.Identifier(name) for name in names)))
