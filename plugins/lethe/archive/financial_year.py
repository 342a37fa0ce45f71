"""The financial year, as SQL."""

from __future__ import annotations

from psycopg2 import sql

from lethe.policy.model.archive import Archive


def financial_year_end(archive: Archive, day: sql.Composable) -> sql.Composed:
    """The last day of the financial year that a day falls in; a day that the month lacks is its
    last."""
    month, last = (int(part) for part in archive.financial_year_end.split("-"))
    in_year = (
        "least(make_date({year}, {month}, 1) + {more},"
        " (make_date({year}, {month}, 1) + interval '1 month' - interval '1 day')::date)"
    )
    year = sql.SQL("extract(year FROM {})::int").format(day)
    after = sql.SQL("{} + 1").format(year)

    def end(of: sql.Composable) -> sql.Composed:
        return sql.SQL(in_year).format(
            year=of, month=sql.Literal(month), more=sql.Literal(last - 1)
        )

    return sql.SQL("CASE WHEN {} <= {} THEN {} ELSE {} END").format(
        day, end(year), end(year), end(after)
    )
