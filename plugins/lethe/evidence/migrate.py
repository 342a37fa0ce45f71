"""Bring Lethe's own schema up to date: Alembic migrations of plain SQL.

Every file `include/sql/control/NNNN_name.sql` is one migration, in the order of the numbers; a new
file is a new migration. What is executed is, letter for letter, what the DBA can have printed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script, ScriptDirectory
from psycopg2 import extensions

from lethe.errors import ConfigurationError
from lethe.include import include_folder, read_text, statement

SCHEMA = "lethe"


class _SqlFiles(ScriptDirectory):
    """Numbered SQL files as Alembic revisions."""

    def __init__(self, folder: Path) -> None:
        self._sql_files = sorted(folder.glob("[0-9]*.sql"))
        super().__init__(str(folder))

    def _load_revisions(self) -> Iterator[Script]:
        previous = None
        for file in self._sql_files:
            revision = ModuleType(file.stem)
            revision.__dict__.update(
                revision=file.stem.partition("_")[0],
                down_revision=previous,
                upgrade=_upgrade_by(file.name),
            )
            previous = file.stem.partition("_")[0]
            yield Script(revision, previous, str(file))


def print_migrations(from_revision: str | None = None) -> str:
    """Print the SQL that leads from a revision (None: an empty schema) to the newest.

    Returns  '' if there is nothing to do
    Raises   ConfigurationError if the revision is of a newer Lethe
    """
    files = _control_files()
    known = {script.revision for script in files.walk_revisions()}
    if from_revision is not None and from_revision not in known:
        raise ConfigurationError(
            f"schema {SCHEMA}: its version {from_revision} is of a newer Lethe than this one, "
            f"which knows {newest_revision()}; use that newer Lethe"
        )
    output = io.StringIO()

    def steps(current: str, _: MigrationContext) -> list[RevisionStep]:
        return files._upgrade_revs("head", current)

    context = MigrationContext.configure(
        dialect_name="postgresql",
        opts={
            "as_sql": True,
            "output_buffer": output,
            "starting_rev": from_revision,
            "version_table_schema": SCHEMA,
            "fn": steps,
        },
    )
    with Operations.context(context):
        context.run_migrations()
    return output.getvalue()


def newest_revision() -> str:
    """Name the newest revision that this Lethe knows."""
    return _control_files().get_current_head() or ""


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


def _control_files() -> _SqlFiles:
    return _SqlFiles(include_folder() / "sql" / "control")


def _upgrade_by(name: str) -> Callable[[], None]:
    def upgrade() -> None:
        from alembic import op

        op.get_context().impl.static_output(read_text(f"sql/control/{name}"))

    return upgrade
