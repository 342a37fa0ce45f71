"""The script that a DBA may run instead of `lethe init`."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from psycopg2 import sql

from lethe.connections import ROLES, group_role
from lethe.evidence.migrate import print_migrations
from lethe.evidence.privileges import (
    TEMPORARY_GRANT,
    Grant,
    control_statements,
    grant_statements,
)


def print_sql(
    grants: Iterable[Grant] = (),
    *,
    functions: Iterable[sql.SQL] = (),
    rehearsal: bool = False,
    from_revision: str | None = None,
    warehouse_id: UUID | None = None,
) -> str:
    """Print the whole script for the DBA: roles, schema, tables, triggers, rights.

    grants         what runner and planner need on the tables of the warehouse
    functions      what owners of tables lend to the runner
    from_revision  version of Lethe's schema that is there; None: none
    warehouse_id   of a warehouse that lost its schema lethe and goes on with its witness
    Returns        one transaction; afterwards nothing at run time needs CREATEROLE
    """
    roles = ", ".join(group_role(role) for role in ROLES)
    parts = [
        "-- Lethe: schema, group roles and the rights it needs on this warehouse.",
        "-- Run once as a user who may create roles and schemas and grant on the tables below.",
        f"-- Then make a login a member of each group role that you use ({roles}),",
        "-- the approver's never that of the runner: GRANT lethe_runner TO your_login;",
        "BEGIN;",
        *(role_block(group_role(role)) for role in ROLES),
        OWNER_MEMBERSHIP,
        "CREATE SCHEMA IF NOT EXISTS lethe AUTHORIZATION lethe_owner;",
        "SET LOCAL ROLE lethe_owner;",
        print_migrations(from_revision).strip(),
        _warehouse_row(rehearsal, warehouse_id),
        *(f"{_text(one)};" for one in control_statements()),
        "SET LOCAL ROLE NONE;",
        f"{TEMPORARY_GRANT};",
        *(f"{_text(one)};" for one in grant_statements(grants)),
        *(f"{one.string};" for one in functions),
        "COMMIT;",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def role_block(name: str) -> str:
    """Write what makes a group role unless it is there."""
    return _ROLE_BLOCK.replace("ROLE_NAME", name)


def _warehouse_row(rehearsal: bool, warehouse_id: UUID | None) -> str:
    values = {"rehearsal": "true" if rehearsal else "false"}
    if warehouse_id is not None:
        values["warehouse_id"] = f"'{warehouse_id}'"
    return (
        f"INSERT INTO lethe.warehouse ({', '.join(values)}) "  # noqa: S608 (a word and a UUID)
        f"VALUES ({', '.join(values.values())}) ON CONFLICT DO NOTHING;"
    )


def _text(composed: sql.Composed) -> str:
    """Write a statement of keywords and identifiers without a connection."""
    written = []
    for part in composed.seq:
        if isinstance(part, sql.Composed):
            written.append(_text(part))
        elif isinstance(part, sql.Identifier):
            quoted = (name.replace('"', '""') for name in part.strings)
            written.append(".".join(f'"{name}"' for name in quoted))
        elif isinstance(part, sql.SQL):
            written.append(part.string)
        else:
            raise TypeError(type(part).__name__)
    return "".join(written)


_ROLE_BLOCK = """DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ROLE_NAME') THEN
        CREATE ROLE ROLE_NAME NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;"""

# From version 16 on, the creator of a role may administer it but not become it.
OWNER_MEMBERSHIP = """DO $$ BEGIN
    IF NOT pg_has_role(current_user, 'lethe_owner',
                       CASE WHEN current_setting('server_version_num')::int >= 160000
                            THEN 'SET' ELSE 'MEMBER' END) THEN
        EXECUTE format('GRANT lethe_owner TO %I', current_user);
    END IF;
END $$;"""
