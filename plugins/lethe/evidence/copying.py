"""Write rows for COPY, so that bulk values never stand in a statement that a server may log."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from psycopg2 import extensions

from lethe.include import statement

Field = str | bytes | int | UUID | datetime | date | None
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_rows(connection: extensions.connection, name: str, rows: Iterable[Sequence[Field]]) -> int:
    """Send rows through the COPY statement `name`; returns how many."""
    lines = ["\t".join([_written(value) for value in row]) for row in rows]
    if lines:
        lines.append("")
        with connection.cursor() as cursor:
            cursor.copy_expert(statement(name), io.StringIO("\n".join(lines)))
    return max(0, len(lines) - 1)


def _written(value: Field) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
