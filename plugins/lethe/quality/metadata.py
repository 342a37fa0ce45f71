"""What Airflow keeps of its tasks in its own database: XCom, configurations, rendered fields.

A task of Airflow 3 cannot open that database by itself; the connection `lethe_metadata`, of a role
that may only read, lets the nightly scan look there.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
from psycopg2 import sql

from lethe.catalogue.probes import attempt, reading
from lethe.connections import open_connection
from lethe.errors import WarehouseRefused, describe_database_error
from lethe.include import statement
from lethe.named_connections import find_connection

CONNECTION = "lethe_metadata"
_COLUMNS = (
    "xcom.value",
    "dag_run.conf",
    "rendered_task_instance_fields.rendered_fields",
    "hitl_detail.subject",
    "hitl_detail.body",
    "hitl_detail.params",
    "hitl_detail.params_input",
    "log.extra",
)
_MOST = 50_000


def read_metadata() -> Iterator[tuple[str, str]] | None:
    """Values of Airflow's metadata, each with the name of its place; None if no connection leads
    there.

    Raises  WarehouseUnreachable, WarehouseRefused
    """
    return _read() if find_connection(CONNECTION) is not None else None


def _read() -> Iterator[tuple[str, str]]:
    connection = open_connection(CONNECTION)
    try:
        with reading(connection) as cursor:
            cursor.execute(statement("quality/list_metadata_columns"), {"columns": list(_COLUMNS)})
            for schema, table, column in cursor.fetchall():
                read = statement(
                    "quality/read_metadata_column",
                    table=sql.Identifier(schema, table),
                    column=sql.Identifier(column),
                )
                with attempt(cursor):
                    cursor.execute(read, {"most": _MOST})
                    values = cursor.fetchall()
                for (text,) in values:
                    yield f"airflow: {table}.{column}", str(text)
    except psycopg2.Error as error:
        raise WarehouseRefused(
            f"Airflow's metadata could not be read: {describe_database_error(error)}",
            error.pgcode,
        ) from None
    finally:
        connection.close()
