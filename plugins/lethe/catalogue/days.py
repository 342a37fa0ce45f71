"""Dates of the warehouse as calendar days of the policy's time zone."""

from __future__ import annotations

from psycopg2 import sql

from lethe.catalogue.conditions import Context, base_of

DATE_TYPES = frozenset({"date", "timestamp with time zone", "timestamp without time zone"})


def day_sql(context: Context, here: sql.Composable, sql_type: str) -> sql.Composable:
    """A column of a date or time type as a day; a column without a zone is read in its own."""
    base = base_of(sql_type)
    if base == "date":
        return here
    zone = sql.Literal(context.zone.key)
    if base == "timestamp with time zone":
        return sql.SQL("({} AT TIME ZONE {})::date").format(here, zone)
    naive = sql.Literal(context.naive_zone.key)
    if base == "timestamp without time zone":
        pattern = "(({} AT TIME ZONE {}) AT TIME ZONE {})::date"
        return sql.SQL(pattern).format(here, naive, zone)
    return sql.SQL("{}::date").format(here)
