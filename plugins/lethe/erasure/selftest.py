"""The self-test: before each run the eraser proves itself, on temporary tables, with its own code.

The runner needs no right to create anything but temporary tables, and nothing is committed.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from uuid import uuid4

import psycopg2
from psycopg2 import errorcodes, extensions

from lethe.catalogue.graph import Graph, build_graph
from lethe.catalogue.model import Catalogue, Column, ForeignKey, Reaction, Table
from lethe.connections import acting_as
from lethe.erasure.rehearsal import Assign, act_out
from lethe.errors import GuardStop, LetheError, describe_database_error
from lethe.include import read_text
from lethe.policy.load import parse_policy
from lethe.policy.names import TableName

_DAY = date(2026, 1, 2)
_COLUMNS = {
    "person": "id mail ended_on restricted",
    "basket": "id person_id",
    "line": "id basket_id added_on",
    "contact": "id",
    "person_contact": "person_id contact_id",
    "click": "id person_id",
    "invoice": "id person_id payer",
    "outside": "id person_id",
}
_TYPES = {"mail": "text", "payer": "text", "ended_on": "date", "added_on": "date"}
_NULLABLE = {"mail", "payer", "ended_on", "added_on"}
_LINKS: tuple[tuple[str, str, str, Reaction], ...] = (
    ("basket", "person_id", "person", "no action"),
    ("line", "basket_id", "basket", "cascade"),
    ("person_contact", "person_id", "person", "no action"),
    ("person_contact", "contact_id", "contact", "no action"),
    ("invoice", "person_id", "person", "no action"),
    ("outside", "person_id", "person", "cascade"),
)
_OUTCOMES = {
    1: "done",
    2: "no longer due",
    3: "newer rows",
    4: "still referenced by pg_temp.lethe_outside",
    5: "restricted",
    6: "refused: implausible date",
    7: "refused: no date",
    8: "done",
    99: "already gone",
}
_LEFT = {
    "SELECT id FROM pg_temp.lethe_person": [2, 3, 4, 5, 6, 7],
    "SELECT id FROM pg_temp.lethe_basket": [2, 3, 4, 5, 6, 7],
    "SELECT id FROM pg_temp.lethe_line": [2, 3, 4, 5, 6, 7],
    "SELECT id FROM pg_temp.lethe_click": [2, 3, 4, 5, 6, 7],
    "SELECT id FROM pg_temp.lethe_contact": [2, 3, 4, 5, 6, 7, 9],
    "SELECT contact_id FROM pg_temp.lethe_person_contact": [2, 3, 4, 5, 6, 7, 9],
    "SELECT id FROM pg_temp.lethe_outside": [4],
    "SELECT id FROM pg_temp.lethe_invoice": [2, 8],
    "SELECT id FROM pg_temp.lethe_invoice WHERE payer IS NULL AND person_id IS NULL": [8],
}
"""Who stays, table by table: 9 is a contact that 2 shares with 8."""


def prove_eraser(connection: extensions.connection, assign: Assign) -> None:
    """Erase, skip and keep whom it should on temporary tables, and roll back.

    connection  outside a transaction, or in one that may be rolled back
    Raises      GuardStop if one answer is wrong: then nothing may be erased at all
    """
    connection.rollback()
    acting_as(connection, "runner")
    try:
        wrong = _try(connection, assign)
    except psycopg2.Error as error:
        wrong = [f"{describe_database_error(error)}{_way_out(error)}"]
    except LetheError as error:
        wrong = [str(error)]
    finally:
        if not connection.closed:
            connection.rollback()
    if wrong:
        raise GuardStop(
            f"the eraser failed its self-test and nothing is erased: {'; '.join(wrong[:5])}"
        )


def _try(connection: extensions.connection, assign: Assign) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(read_text("templates/selftest/tables.sql"))
    assignment = assign(_graph(), "left", _DAY, uuid4())
    found = act_out(connection, assignment, [(str(number),) for number in _OUTCOMES])
    wrong = [
        f"subject {number} should be '{expected}' and is '{found[str(number),]}'"
        for number, expected in _OUTCOMES.items()
        if found[str(number),] != expected
    ]
    with connection.cursor() as cursor:
        for query, expected_rows in _LEFT.items():
            cursor.execute(query)
            if sorted(row[0] for row in cursor.fetchall()) != expected_rows:
                wrong.append(f"other rows are left than should be ({query})")
    return wrong


def _way_out(error: psycopg2.Error) -> str:
    if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
        return "; the runner needs TEMPORARY on the database, which PUBLIC has by default"
    return ""


@cache
def _graph() -> Graph:
    loaded = parse_policy(read_text("templates/selftest/policy.yaml"), "selftest/policy.yaml")
    graph, findings = build_graph(loaded.policy, _catalogue())
    if findings:
        raise GuardStop(f"the self-test's own policy has faults: {findings}")
    return graph


def _catalogue() -> Catalogue:
    """The temporary tables as the catalogue would tell them; they are not there yet."""
    tables = {_name(name): _table(name, columns.split()) for name, columns in _COLUMNS.items()}
    return Catalogue(
        server_version_num=150000,
        database="",
        role="",
        is_standby=False,
        has_large_objects=False,
        tables=tables,
        foreign_keys=tuple(_foreign_key(*link) for link in _LINKS),
        views={},
        triggers=(),
        event_triggers=(),
        rules=(),
        policies=(),
        publications=(),
        subscriptions=(),
        replication_slots=(),
    )


def _name(table: str) -> TableName:
    return TableName("pg_temp", f"lethe_{table}")


def _table(name: str, columns: list[str]) -> Table:
    key = ("id",) if "id" in columns else tuple(columns)
    return Table(
        name=_name(name),
        kind="table",
        columns={each: _column(name, each) for each in columns},
        primary_key=key,
        unique_keys=(key,),
        indexes=(),
        checks=(),
        row_estimate=None,
        size_bytes=0,
        unlogged=True,
        rls_enabled=False,
        rls_forced=False,
        rls_filters_us=False,
        inherits_from=(),
        partition_key=None,
        partition_columns=(),
        partitions=(),
        replica_identity="default",
        foreign_server=None,
        extension=None,
        rights=frozenset({"usage", "select", "insert", "update", "delete"}),
    )


def _column(table: str, name: str) -> Column:
    sql_type = _TYPES.get(name, "boolean" if name == "restricted" else "integer")
    return Column(
        name=name,
        type=sql_type,
        base_type=sql_type,
        bare_type=sql_type,
        element_type=None,
        category="S" if sql_type == "text" else "N",
        type_kind="base",
        nullable=name in _NULLABLE or (table, name) in {("invoice", "person_id")},
        has_default=False,
        generated=None,
        generated_from=(),
        identity=None,
        readable=True,
        updatable=True,
    )


def _foreign_key(child: str, column: str, parent: str, on_delete: Reaction) -> ForeignKey:
    nullable = child in ("invoice", "outside")
    return ForeignKey(
        constraint=f"lethe_{child}_{column}_fkey",
        child=_name(child),
        child_columns=(column,),
        parent=_name(parent),
        parent_columns=("id",),
        on_delete=on_delete,
        on_update="no action",
        deferrable=False,
        initially_deferred=False,
        nullable_columns=(column,) if nullable else (),
        set_columns=(),
        match_full=False,
        validated=True,
        enforced=True,
        child_partition=None,
        parent_partition=None,
    )
