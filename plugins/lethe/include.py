"""Read what is written down: files of `include/`, found by path, never imported."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lethe.errors import ConfigurationError

if TYPE_CHECKING:
    from psycopg2 import sql

PROJECT = Path(__file__).resolve().parents[2]
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


def include_folder() -> Path:
    """Say where `include/` is; `LETHE_INCLUDE` moves it."""
    return Path(os.environ.get("LETHE_INCLUDE") or PROJECT / "include")


def home_folder() -> Path:
    """Say where the state of this installation is; `LETHE_HOME` moves it."""
    return Path(os.environ.get("LETHE_HOME") or PROJECT / "var")


@cache
def read_text(path: str) -> str:
    """Read a file of `include/` once."""
    file = include_folder() / path
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{file}: cannot be read ({error.strerror}); LETHE_INCLUDE must name the include folder"
        ) from error


def statement(name: str, **identifiers: sql.Composable) -> sql.Composed:
    """Load the statement `include/sql/<name>.sql` and put identifiers in its `{places}`.

    name         room and verb_noun, such as 'evidence/append_rows'
    identifiers  quoted by psycopg2.sql; values stay `%(bound)s`
    Raises       KeyError if a place has no identifier or an identifier no place
    """
    # The workers of the log engine read words, and never a statement.
    from psycopg2 import sql

    text = _without_comments(read_text(f"sql/{name}.sql"))
    wanted = set(_PLACEHOLDER.findall(text))
    if wanted != set(identifiers):
        raise KeyError(f"{name}: places {sorted(wanted)}, given {sorted(identifiers)}")
    return sql.SQL(text).format(**identifiers)


def _without_comments(text: str) -> str:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return "\n".join(lines).strip().removesuffix(";")
