"""Numbered SQL files as Alembic revisions; imported only where a schema is made or changed.

Alembic brings SQLAlchemy with it: half a second that no other command should wait for.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script, ScriptDirectory

from lethe.evidence.migrate import SCHEMA
from lethe.include import read_text


def print_upgrade(sources: Sequence[Path], from_revision: str | None) -> str:
    """Print the SQL that leads from a revision (None: an empty schema) to the newest.

    sources  the files in the order of their numbers
    """
    files = _SqlFiles(sources)
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


class _SqlFiles(ScriptDirectory):
    """Numbered SQL files as Alembic revisions."""

    def __init__(self, sources: Sequence[Path]) -> None:
        self._sql_files = sources
        super().__init__(str(sources[0].parent))

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


def _upgrade_by(name: str) -> Callable[[], None]:
    def upgrade() -> None:
        from alembic import op

        op.get_context().impl.static_output(read_text(f"sql/control/{name}"))

    return upgrade
