"""The witness of a warehouse that lost the schema `lethe` lies beside the one that would begin.

Without this nobody would be told: a new identity has a new witness, and holds and tombstones of the
old one would be forgotten.
"""

from __future__ import annotations

from uuid import UUID

from psycopg2 import errors, extensions

from lethe.connections import acting_as
from lethe.errors import ConfigurationError, UsageError
from lethe.evidence.home import home_of
from lethe.evidence.witness import Witness
from lethe.evidence.witness_database import DatabaseWitness
from lethe.evidence.witness_file import FileWitness
from lethe.evidence.witness_opening import Kind, open_witness
from lethe.include import home_folder, statement


def require_no_older(connection: extensions.connection, kind: Kind, location: str) -> None:
    """Refuse to begin a witness where one lies of a database of this name, of one that this server
    does not have (any more), or of one that it does not name; begins a transaction of its own.

    Raises  ConfigurationError with both ways out
    """
    own, had_one = _identity(connection)
    known = _known(kind, location)
    if had_one or own in known:
        return
    name = str(home_of(connection)["name"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname::text FROM pg_database")
        others = {row[0] for row in cursor.fetchall()} - {name}
    connection.rollback()
    for each in known:
        with_name = _last_name(open_witness(kind, location, each))
        if with_name not in others:
            of = f"a database '{with_name}'" if with_name else "a database that it does not name"
            raise ConfigurationError(
                f"this database knows no Lethe, and its place for the witness holds {each}, of "
                f"{of}: if this is that warehouse and it lost the schema lethe, its holds and "
                f"tombstones are there: restore the schema, or go on with `lethe init --witness "
                f"{each}`, then `lethe sweep replay`. If it is another one, begin with `lethe init "
                "--new-witness`"
            )


def require_witness(
    connection: extensions.connection, kind: Kind, location: str, wanted: UUID
) -> None:
    """Refuse to go on with a witness that is not there, or in a warehouse that is another one.

    Raises  UsageError
    """
    own, _ = _identity(connection)
    connection.rollback()
    if own not in (None, wanted):
        raise UsageError(f"this warehouse is {own} already and cannot go on as {wanted}")
    if wanted not in _known(kind, location):
        raise UsageError(f"the place for the witness knows no warehouse {wanted}")


def _identity(connection: extensions.connection) -> tuple[UUID | None, bool]:
    for take_role in (False, True):
        connection.rollback()
        try:
            if take_role:
                acting_as(connection, "runner")
            with connection.cursor() as cursor:
                cursor.execute(statement("evidence/find_warehouse"))
                row = cursor.fetchone()
            return (UUID(row[0]), bool(row[1])) if row else (None, False)
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            break
        except errors.InsufficientPrivilege:
            continue
        finally:
            connection.rollback()
    return None, False


def _known(kind: Kind, location: str) -> list[UUID]:
    if kind == "file":
        return FileWitness.known(home_folder() / location)
    return DatabaseWitness.known(location)


def _last_name(witness: Witness) -> str | None:
    """The name of the database that wrote there last, if any record says it."""
    try:
        for record in witness.records_backwards():
            told = record.body.get("home") or record.body.get("transaction")
            if told:
                return str(told["name"])
        return None
    finally:
        witness.close()
