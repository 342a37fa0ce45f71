"""Migrations are numbered SQL files; what is printed is what is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lethe.connections import acting_as
from lethe.errors import ConfigurationError
from lethe.evidence.migrate import (
    current_revision,
    migrate,
    newest_revision,
    print_migrations,
)
from psycopg2 import extensions

PROJECT = Path(__file__).resolve().parents[2]
CONTROL = PROJECT / "include" / "sql" / "control"


def test_every_numbered_file_is_a_migration_and_the_last_is_the_newest() -> None:
    numbers = sorted(file.name.partition("_")[0] for file in CONTROL.glob("[0-9]*.sql"))
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]
    assert newest_revision() == numbers[-1]
    printed = print_migrations()
    for file in CONTROL.glob("[0-9]*.sql"):
        assert file.read_text() in printed


def test_from_the_newest_there_is_nothing_to_do(warehouse: extensions.connection) -> None:
    assert print_migrations(newest_revision()) == ""
    assert current_revision(warehouse) == newest_revision()
    acting_as(warehouse, "owner")
    assert migrate(warehouse) is False


def test_an_older_schema_is_brought_up_by_what_is_missing_only(
    warehouse: extensions.connection,
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("DROP SCHEMA lethe CASCADE; CREATE SCHEMA lethe AUTHORIZATION lethe_owner")
        acting_as(warehouse, "owner")
        whole = print_migrations()
        rest = print_migrations("0003")
        assert whole.endswith(rest)
        cursor.execute(whole.removesuffix(rest))
    assert current_revision(warehouse) == "0003"
    assert migrate(warehouse) is True
    assert current_revision(warehouse) == newest_revision()


def test_a_revision_of_a_newer_lethe_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="newer Lethe"):
        print_migrations("9999")


def test_whoever_changes_no_schema_does_not_wait_for_alembic() -> None:
    """In a fresh process: it brings SQLAlchemy with it, half a second of every command."""
    asked = "import sys, lethe.evidence; print(*{'alembic', 'sqlalchemy'} & set(sys.modules))"
    told = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=PROJECT / "plugins",
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == ""
