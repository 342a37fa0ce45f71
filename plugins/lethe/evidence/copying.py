"""Write rows for COPY, so that bulk values never stand in a statement that a server may log."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from psycopg2 import extensions

from lethe.include import statement

Field = str | bytes | int | UUID | datetime | date | None
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_lines(connection: extensions.connection, name: str, lines: Iterable[str]) -> int:
    """Send written rows through the COPY statement `name`; returns how many."""
    rows = list(lines)
    if not rows:
        return 0
    rows.append("")
    with connection.cursor() as cursor:
        cursor.copy_expert(statement(name), io.StringIO("\n".join(rows)))
    return len(rows) - 1


def write_field(value: Field) -> str:
    """Write one field in COPY's text format; fields are joined by tabs."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
