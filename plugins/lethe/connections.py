"""Open the warehouse, or the PostgreSQL of another connection, under one of Lethe's roles."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Literal

import psycopg2
from psycopg2 import extensions

from lethe.errors import (
    ConfigurationError,
    UsageError,
    WarehouseRefused,
    WarehouseUnreachable,
)
from lethe.named_connections import (
    ConnectionSettings,
    find_connection,
    find_nearby,
    is_airflow_asked,
    require_connection,
)

Role = Literal["runner", "owner", "approver", "planner", "reader", "archivist"]
ROLES: tuple[Role, ...] = ("owner", "runner", "approver", "planner", "reader", "archivist")
OLDEST_SERVER = 150000
_OWN_CONNECTION: dict[Role, str] = {
    "owner": "lethe_owner",
    "approver": "lethe_approver",
    "planner": "lethe_planner",
    "reader": "lethe_reader",
    "archivist": "lethe_archivist",
}
# fmt: off
_LIBPQ_EXTRAS = frozenset({
    "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslsni", "ssl_min_protocol_version",
    "channel_binding", "gssencmode", "krbsrvname", "target_session_attrs", "passfile", "service",
    "options", "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval",
    "keepalives_count", "tcp_user_timeout",
})
# fmt: on


def group_role(role: Role) -> str:
    """Name the group role (NOLOGIN) that carries the rights of `role`."""
    return f"lethe_{role}"


def warehouse_dsn(dsn: str | None, role: Role) -> str:
    """Say which DSN serves a role: the given one, else the role's connection, else the runner's."""
    if dsn is not None:
        return _readable_dsn(dsn)
    own = _OWN_CONNECTION.get(role)
    # Airflow takes seconds to import: it is asked for a role's own connection only where the
    # runner's is not at hand either, or where Airflow is running us.
    nearby = find_nearby("lethe_warehouse")
    found = None
    if own:
        ask_airflow = nearby is None or is_airflow_asked()
        found = find_connection(own) if ask_airflow else find_nearby(own)
    return _dsn_of(found or nearby or require_connection("lethe_warehouse"))


def open_warehouse(dsn: str | None = None, role: Role = "runner") -> extensions.connection:
    """Open the warehouse for one of Lethe's roles.

    dsn      any libpq DSN or URL, used for every role; None: the connection of the role
    Returns  a connection outside any transaction; begin each one with `acting_as`
    Raises   UsageError, ConfigurationError, WarehouseUnreachable, WarehouseRefused
    """
    return open_dsn(warehouse_dsn(dsn, role))


def open_dsn(dsn: str) -> extensions.connection:
    """Open a PostgreSQL 15 or later by DSN, with a time limit and our name on the session."""
    parsed = extensions.parse_dsn(_readable_dsn(dsn))
    ours = {"application_name": "lethe", "client_encoding": "UTF8"}
    settings = {"connect_timeout": "10"} | parsed | ours
    if not isinstance(sys.excepthook, _Quiet):
        sys.excepthook = _Quiet()
    try:
        connection: extensions.connection = psycopg2.connect(**settings)
    except psycopg2.OperationalError as error:
        raise WarehouseUnreachable(_explain(error, settings)) from None
    try:
        require_version(connection.server_version)
    except WarehouseRefused:
        connection.close()
        raise
    return connection


class _Quiet:
    """A hook for errors that nobody caught, which passes over what the driver prints by itself.

    Where a server dies in the middle of COPY, psycopg2 prints the server's message with the line
    that was being read: nobody's values belong on a terminal. The error comes all the same, without
    it.
    """

    def __init__(self) -> None:
        self._before = sys.excepthook

    def __call__(
        self, kind: type[BaseException], error: BaseException, at: TracebackType | None
    ) -> None:
        if not (isinstance(error, SystemError) and isinstance(error.__cause__, psycopg2.Error)):
            self._before(kind, error, at)


def open_connection(connection_id: str) -> extensions.connection:
    """Open the PostgreSQL that an Airflow connection names."""
    return open_dsn(_dsn_of(require_connection(connection_id)))


def acting_as(connection: extensions.connection, role: Role) -> bool:
    """Begin a transaction under the rights of `role`; the first statement of every transaction.

    Sets, for this transaction only, the group role where the session user may take it and Lethe is
    in this database (else the session's rights are used as they are) and `row_security = off`, so
    that a row-level policy is an error and never a shorter list. Dates, times and numbers read
    and write the same text whatever the database or the user is set to: keys of subjects travel
    as text.
    Returns  whether the group role was taken
    """
    membership = "SET" if connection.server_version >= 160000 else "MEMBER"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('row_security', 'off', true),"
            " set_config('DateStyle', 'ISO, YMD', true), set_config('TimeZone', 'UTC', true),"
            " set_config('IntervalStyle', 'postgres', true),"
            " set_config('bytea_output', 'hex', true),"
            " set_config('extra_float_digits', '1', true),"
            " set_config('quote_all_identifiers', 'off', true),"
            " (SELECT set_config('role', rolname, true) FROM pg_catalog.pg_roles"
            "  WHERE rolname = %(role)s AND pg_has_role(session_user, oid, %(membership)s)"
            "    AND to_regnamespace('lethe') IS NOT NULL)",
            {"role": group_role(role), "membership": membership},
        )
        row = cursor.fetchone()
    return row is not None and row[-1] is not None


def require_version(server_version: int) -> None:
    """Refuse a server that is too old.

    server_version  as libpq gives it: 150004 is 15.4
    """
    if server_version < OLDEST_SERVER:
        raise WarehouseRefused(
            f"the warehouse runs PostgreSQL {server_version // 10000}; Lethe needs 15 or later: "
            "upgrade the server"
        )


def _dsn_of(settings: ConnectionSettings) -> str:
    if settings.conn_type not in {"postgres", "postgresql"}:
        raise ConfigurationError(
            f"the connection '{settings.connection_id}' is of type '{settings.conn_type}'; "
            "it must be 'postgres'"
        )
    given = {
        "host": settings.host,
        "port": str(settings.port or ""),
        "user": settings.login,
        "password": settings.password,
        "dbname": settings.schema,
    }
    extras = {key: str(value) for key, value in settings.extra.items() if key in _LIBPQ_EXTRAS}
    return extensions.make_dsn(**extras, **{k: v for k, v in given.items() if v})


def _readable_dsn(dsn: str) -> str:
    scheme, mark, rest = dsn.partition("://")
    if mark:
        dsn = f"{scheme.partition('+')[0]}://{rest}"
    try:
        extensions.parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        # libpq quotes the broken part, which may be the password.
        raise UsageError(
            "the DSN cannot be read; write 'host=… dbname=… user=…' or "
            "'postgresql://user@host/database' (special characters percent-encoded)"
        ) from None
    return dsn


def _explain(error: psycopg2.OperationalError, settings: Mapping[str, str]) -> str:
    place = f"{settings.get('host') or 'the local socket'}:{settings.get('port') or 5432}"
    database = settings.get("dbname") or settings.get("user") or "the user's own"
    user = settings.get("user") or "the system user"
    text = str(error)
    if "password authentication failed" in text or "no password supplied" in text:
        return f"the warehouse at {place} refuses user '{user}': wrong or missing password"
    if "database" in text and "does not exist" in text:
        return f"the warehouse at {place} has no database '{database}'; check its name in the DSN"
    if "role" in text and "does not exist" in text:
        return f"the warehouse at {place} has no user '{user}'; check it in the DSN"
    if "no pg_hba.conf entry" in text or "Peer authentication failed" in text:
        return f"the warehouse at {place} does not let user '{user}' in from here (pg_hba.conf)"
    if "too many" in text or "remaining connection slots" in text:
        return f"the warehouse at {place} has no free connection; try again or raise its limit"
    if "starting up" in text or "shutting down" in text or "recovery mode" in text:
        return f"the warehouse at {place} is starting or stopping; try again in a moment"
    if "not translate host name" in text:
        return f"the host of the warehouse, {place}, is unknown; check it in the DSN"
    if "SSL" in text or "certificate" in text:
        return (
            f"the warehouse at {place} and we do not agree on TLS; check sslmode and certificates"
        )
    return (
        f"no PostgreSQL answers at {place}; is the server running, and is the address right? "
        "(LETHE_HOME and `make up` for the demo warehouse)"
    )
