"""Statements of keywords and identifiers as text, for people, without a connection."""

from __future__ import annotations

from psycopg2 import sql


def write(composed: sql.Composable) -> str:
    """Write a statement that holds no value."""
    if isinstance(composed, sql.Composed):
        return "".join(write(part) for part in composed.seq)
    if isinstance(composed, sql.Identifier):
        return ".".join('"' + name.replace('"', '""') + '"' for name in composed.strings)
    if isinstance(composed, sql.SQL):
        return composed.string
    raise TypeError(type(composed).__name__)
