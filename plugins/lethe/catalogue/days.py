"""Dates of the warehouse as calendar days of the policy's time zone."""

from __future__ import annotations

from psycopg2 import sql

from lethe.catalogue.conditions import Context, base_of

DATE_TYPES = frozenset({"date", "timestamp with time zone", "timestamp without time zone"})
_ENDS = (sql.Literal("4000-01-01 00:00:00 BC"), sql.Literal("99999-12-31 00:00:00"))
"""Far beyond whatever a policy can call plausible."""


def day_sql(context: Context, here: sql.Composable, sql_type: str) -> sql.Composable:
    """A column of a date or time type as a day; a column without a zone is read in its own.

    What lies beyond the days of any calendar becomes such a day: near the ends of a type another
    zone is out of its range, and one row would stop the statement for all.
    """
    base = base_of(sql_type)
    if base == "date":
        return here
    if base in DATE_TYPES:
        # Not with least() and greatest(): of nothing and a day they make that day.
        pattern = "(CASE WHEN {0} < {1} THEN {1} WHEN {0} > {2} THEN {2} ELSE {0} END)"
        here = sql.SQL(pattern).format(here, *_ENDS)
    zone = sql.Literal(context.zone.key)
    if base == "timestamp with time zone":
        return sql.SQL("({} AT TIME ZONE {})::date").format(here, zone)
    naive = sql.Literal(context.naive_zone.key)
    if base == "timestamp without time zone":
        pattern = "(({} AT TIME ZONE {}) AT TIME ZONE {})::date"
        return sql.SQL(pattern).format(here, naive, zone)
    return sql.SQL("{}::date").format(here)
