"""Bring Lethe's own schema up to date: Alembic migrations of plain SQL.

Every file `include/sql/control/NNNN_name.sql` is one migration, in the order of the numbers; a new
file is a new migration. What is executed is, letter for letter, what the DBA can have printed.
"""

from __future__ import annotations

from pathlib import Path

from psycopg2 import extensions

from lethe.errors import ConfigurationError
from lethe.include import include_folder, statement

SCHEMA = "lethe"


def print_migrations(from_revision: str | None = None) -> str:
    """Print the SQL that leads from a revision (None: an empty schema) to the newest.

    Returns  '' if there is nothing to do
    Raises   ConfigurationError if the revision is of a newer Lethe
    """
    files = _control_files()
    known = {_revision_of(file) for file in files}
    if from_revision is not None and from_revision not in known:
        raise ConfigurationError(
            f"schema {SCHEMA}: its version {from_revision} is of a newer Lethe than this one, "
            f"which knows {newest_revision()}; use that newer Lethe"
        )
    from lethe.evidence.revisions import print_upgrade

    return print_upgrade(files, from_revision)


def newest_revision() -> str:
    """Name the newest revision that this Lethe knows."""
    return _revision_of(_control_files()[-1])


def current_revision(connection: extensions.connection) -> str | None:
    """Read the revision of the warehouse; None if Lethe's schema is not there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('lethe.alembic_version') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return None
        cursor.execute(statement("evidence/read_revision"))
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def migrate(connection: extensions.connection) -> bool:
    """Bring the schema up to date in the caller's transaction, which acts as its owner.

    Returns  whether anything was done
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('lethe/migrate', 0))")
        script = print_migrations(current_revision(connection))
        if script:
            cursor.execute(script)
    return bool(script)


def _control_files() -> list[Path]:
    return sorted((include_folder() / "sql" / "control").glob("[0-9]*.sql"))


def _revision_of(file: Path) -> str:
    return file.stem.partition("_")[0]
