"""Make a warehouse ready for Lethe, and arm it."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg2
from psycopg2 import errorcodes, errors, extensions, sql

from lethe.connections import ROLES, acting_as, group_role
from lethe.errors import (
    ConfigurationError,
    UsageError,
    WarehouseRefused,
    describe_database_error,
)
from lethe.evidence.batch import EvidenceBatch
from lethe.evidence.dba_script import OWNER_MEMBERSHIP, role_block
from lethe.evidence.ledger import LedgerRow
from lethe.evidence.migrate import current_revision, migrate, newest_revision
from lethe.evidence.privileges import (
    CONTROL_GRANTS,
    TEMPORARY_GRANT,
    Grant,
    control_statements,
    grant_statements,
    missing_grants,
)
from lethe.evidence.witness import Witness
from lethe.include import statement

_FUNCTION = re.compile(
    r"FUNCTION lethe\.(?P<name>\w+)\(.*?\$body\$(?P<body>.*?)\$body\$", re.DOTALL
)
_ASK_DBA = "run `lethe init --print-sql` and give the script to your DBA"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """What Lethe knows of the warehouse that it works on."""

    warehouse_id: UUID
    created_at: datetime
    rehearsal: bool
    armed_at: datetime | None
    armed_by: str | None

    @property
    def armed(self) -> bool:
        """Whether the approver has allowed it to erase; else it only reports."""
        return self.armed_at is not None


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `initialise` found and did."""

    warehouse: Warehouse
    roles_created: tuple[str, ...]
    migrated_from: str | None
    migrated_to: str
    granted: int

    @property
    def changed(self) -> bool:
        """Whether anything was done at all."""
        return bool(self.roles_created or self.granted or self.migrated_from != self.migrated_to)


def read_warehouse(connection: extensions.connection) -> Warehouse:
    """Read the identity and state of the warehouse.

    Raises  ConfigurationError if `lethe init` has not been here, or an older Lethe was
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("evidence/read_warehouse"))
            row = cursor.fetchone()
            cursor.execute(statement("evidence/read_revision"))
            revision = cursor.fetchone()
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        row = revision = None
    except errors.InsufficientPrivilege:
        raise ConfigurationError(
            f"this user may not read Lethe's schema; {_ASK_DBA}, and make the user a member of "
            "the group role that it acts as"
        ) from None
    if row is None or revision is None:
        raise ConfigurationError("this warehouse does not know Lethe yet; run `lethe init` first")
    if revision[0] != newest_revision():
        raise ConfigurationError(
            f"Lethe's schema is at version {revision[0]}, this Lethe wants {newest_revision()}; "
            "run `lethe init` (it migrates)"
        )
    return Warehouse(UUID(row[0]), *row[1:])


def initialise(
    connection: extensions.connection,
    *,
    rehearsal: bool = False,
    grants: Sequence[Grant] = (),
    functions: Sequence[sql.SQL] = (),
    warehouse_id: UUID | None = None,
) -> Initialised:
    """Create or migrate Lethe's own schema, roles and rights; doing it again changes nothing.

    connection  of the owner (or a DBA); committed, or rolled back on an error
    rehearsal   mark a fresh warehouse as a throw-away one, where future dates may be executed
    grants      what runner and planner need on the tables of the warehouse
    functions   what owners of tables lend to the runner, see `lethe.erasure.partitions`
    warehouse_id  of a warehouse that lost its schema lethe and goes on with its witness
    Raises      ConfigurationError where rights are missing, with what to ask for
    """
    try:
        connection.rollback()
        done = _initialise(connection, rehearsal, grants, warehouse_id)
        with connection.cursor() as cursor:
            owner = _may_own(cursor)
            for one in functions:
                if owner or not _is_there(cursor, one):
                    cursor.execute(one)
        connection.commit()
    except psycopg2.Error as error:
        connection.rollback()
        if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
            raise ConfigurationError(
                f"this user may not set Lethe up here ({describe_database_error(error)}); "
                f"{_ASK_DBA}"
            ) from None
        raise WarehouseRefused(
            f"setting up failed: {describe_database_error(error)}", error.pgcode
        ) from None
    except BaseException:
        connection.rollback()
        raise
    return done


def find_ready(connection: extensions.connection) -> Initialised | None:
    """Find Lethe's own schema up to date, whatever rights on the warehouse's tables are missing."""
    connection.rollback()
    try:
        return _find_ready(connection, False, None)
    finally:
        connection.rollback()


def find_revision(connection: extensions.connection) -> str | None:
    """Find the version of Lethe's schema, whatever rights on it this user has; None: none."""
    for take_role in (False, True):
        connection.rollback()
        try:
            if take_role:
                acting_as(connection, "runner")
            return current_revision(connection)
        except errors.InsufficientPrivilege:
            continue
        finally:
            connection.rollback()
    return None


def arm(
    connection: extensions.connection, by: str | None = None, witness: Witness | None = None
) -> Warehouse:
    """Record that the approver allows this warehouse to be erased from.

    connection  of the approver; committed
    by          the person; by default the user of the operating system
    """
    return _record_arming(connection, by or getpass.getuser(), witness, armed=True)


def disarm(
    connection: extensions.connection, by: str | None = None, witness: Witness | None = None
) -> Warehouse:
    """Put the warehouse back to report-only; the off switch, which outlives a restore."""
    return _record_arming(connection, by or getpass.getuser(), witness, armed=False)


def _initialise(
    connection: extensions.connection,
    rehearsal: bool,
    grants: Sequence[Grant],
    warehouse_id: UUID | None,
) -> Initialised:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('lethe/init', 0))")
        if not _may_own(cursor) and (ready := _find_ready(connection, rehearsal, grants)):
            return ready
        created = _create_roles(cursor)
        _create_schema(cursor)
        before = current_revision(connection)
        acting_as(connection, "owner")
        migrate(connection)
        _mark_warehouse(cursor, rehearsal, warehouse_id)
        for one in control_statements():
            cursor.execute(one)
        warehouse = read_warehouse(connection)
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute(TEMPORARY_GRANT)
        granted = _grant(connection, grants)
    return Initialised(
        warehouse=warehouse,
        roles_created=created,
        migrated_from=before,
        migrated_to=newest_revision(),
        granted=granted,
    )


def _find_ready(
    connection: extensions.connection, rehearsal: bool, grants: Sequence[Grant] | None
) -> Initialised | None:
    """Find that a DBA has done everything, so that a user without rights has nothing to do.

    grants  None: not looked at
    """
    try:
        if current_revision(connection) != newest_revision():
            return None
        acting_as(connection, "runner")
        warehouse = read_warehouse(connection)
    except errors.InsufficientPrivilege:
        connection.rollback()
        return None
    wanted = (*CONTROL_GRANTS, *(grants or ()))
    if grants is not None and missing_grants(connection, wanted):
        return None
    if rehearsal > warehouse.rehearsal:
        return None
    return Initialised(warehouse, (), newest_revision(), newest_revision(), 0)


def _is_there(cursor: extensions.cursor, function: sql.SQL) -> bool:
    """Find a function of our schema as it would be made now, so that nobody needs its owner."""
    name = _FUNCTION.search(function.string)
    if name is None:
        return False
    cursor.execute(statement("evidence/find_function"), {"name": name["name"]})
    return any(row[0] == name["body"] for row in cursor.fetchall())


def _may_own(cursor: extensions.cursor) -> bool:
    cursor.execute(
        "SELECT rolsuper OR rolcreaterole OR pg_has_role(oid, 'pg_database_owner', 'MEMBER') OR"
        " EXISTS (SELECT FROM pg_roles WHERE rolname = 'lethe_owner'"
        "         AND pg_has_role(session_user, oid, 'MEMBER'))"
        " FROM pg_roles WHERE rolname = session_user"
    )
    return cursor.fetchone() == (True,)


def _create_schema(cursor: extensions.cursor) -> None:
    cursor.execute("SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'lethe'")
    row = cursor.fetchone()
    if row is None:
        cursor.execute("CREATE SCHEMA lethe AUTHORIZATION lethe_owner")
    elif row[0] != "lethe_owner":
        raise ConfigurationError(
            f"the schema 'lethe' exists and belongs to '{row[0]}', not to lethe_owner; if it is "
            "not yours, ALTER SCHEMA lethe OWNER TO lethe_owner, else rename it"
        )


def _create_roles(cursor: extensions.cursor) -> tuple[str, ...]:
    names = [group_role(role) for role in ROLES]
    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (names,))
    there = {row[0] for row in cursor.fetchall()}
    missing = tuple(name for name in names if name not in there)
    for name in missing:
        cursor.execute(role_block(name))
    cursor.execute(OWNER_MEMBERSHIP)
    return missing


def _mark_warehouse(cursor: extensions.cursor, rehearsal: bool, warehouse_id: UUID | None) -> None:
    named = {"rehearsal": rehearsal, "warehouse_id": str(warehouse_id) if warehouse_id else None}
    cursor.execute(statement("evidence/add_warehouse"), named)
    cursor.execute("SELECT rehearsal FROM lethe.warehouse")
    if not rehearsal or cursor.fetchone() == (True,):
        return
    cursor.execute(statement("evidence/find_earnest"))
    if cursor.fetchone() == (True,):
        raise UsageError(
            "this warehouse was armed or worked on in earnest and cannot become a rehearsal; "
            "make the rehearsal on a copy without the schema lethe"
        )
    cursor.execute("UPDATE lethe.warehouse SET rehearsal = true")


def _grant(connection: extensions.connection, grants: Sequence[Grant]) -> int:
    missing = missing_grants(connection, grants)
    with connection.cursor() as cursor:
        for one in grant_statements(missing):
            cursor.execute(one)
    # A user without the grant option gets a warning instead of an error.
    refused = sorted({str(grant.table) for grant in missing_grants(connection, missing)})
    if refused:
        raise ConfigurationError(
            f"this user may not grant rights on {', '.join(refused)}; {_ASK_DBA}"
        )
    return len(missing)


def _record_arming(
    connection: extensions.connection, by: str, witness: Witness | None, *, armed: bool
) -> Warehouse:
    kind = "warehouse_armed" if armed else "warehouse_disarmed"
    try:
        connection.rollback()
        acting_as(connection, "approver")
        warehouse = read_warehouse(connection)
        if warehouse.armed != armed:
            with connection.cursor() as cursor:
                cursor.execute(statement("evidence/arm_warehouse"), {"by": by if armed else None})
            batch = EvidenceBatch(connection, None, witness)
            batch.add_rows([LedgerRow(kind, {"by": by})])
            batch.add_event(kind, {"by": by})
            batch.commit()
            acting_as(connection, "approver")
            warehouse = read_warehouse(connection)
        connection.commit()
    except psycopg2.Error as error:
        connection.rollback()
        if error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE:
            raise ConfigurationError(
                "only the approver arms a warehouse, and this user is not one: use the connection "
                "'lethe_approver', whose user is a member of the group role lethe_approver"
            ) from None
        raise WarehouseRefused(
            f"arming failed: {describe_database_error(error)}", error.pgcode
        ) from None
    except BaseException:
        connection.rollback()
        raise
    return warehouse
