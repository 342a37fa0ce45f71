"""The data of the sweep's benchmark: twelve tables around an account, any number of accounts.

Twenty rows an account, one of twenty accounts due unless said otherwise, scattered over all pages
of every table: the worst case, and the same for every contender. One of ten of the others became
inactive a day too late.
"""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg2

FOLDER = Path(__file__).parent
POLICY = FOLDER / "shop.yaml"
RULE = "inactive"
AS_OF = date(2026, 6, 1)
LAST_DUE = date(2024, 5, 31)
"""The last day on which a service may have ended for its account to be due at AS_OF."""

ROWS = {
    "account": 1,
    "contact": 1,
    "address": 1,
    "service": 2,
    "session": 2,
    "ticket": 1,
    "ticket_message": 2,
    "invoice": 2,
    "invoice_line": 4,
    "payment_method": 1,
    "consent": 1,
    "mail_log": 2,
}
"""Table → rows an account; every table is filled in the order of its accounts."""
ROWS_AN_ACCOUNT = sum(ROWS.values())
PARENTS = {"ticket_message": "ticket", "invoice_line": "invoice"}

_FILL = {
    "account": (
        "SELECT a, 'user' || a || '@example.invalid', 'Company ' || a, 'Given' || a % 977,"
        " 'Family' || a % 4999, '+352 ' || 100000 + a, 'LU', timestamptz '2012-01-01'"
        " FROM generate_series(1, {accounts}) AS a"
    ),
    "contact": (
        "SELECT a, a, 'Person ' || a, 'person' || a || '@example.invalid'"
        " FROM generate_series(1, {accounts}) AS a"
    ),
    "address": (
        "SELECT a, a, a % 300 || ', rue de la Gare', 'L-' || 1000 + a % 9000, 'Ettelbruck'"
        " FROM generate_series(1, {accounts}) AS a"
    ),
    "service": (
        "SELECT 2 * a + i, a, CASE i WHEN 0 THEN 'crm' ELSE 'hosting' END, date '2013-01-01',"
        " CASE WHEN {due} THEN date '2024-05-31' - (a::bigint * 104729 % 3000)::int - 200 * i"
        " WHEN a % 10 = 0 THEN date '2024-06-01' - 200 * i"
        " WHEN i = 0 THEN NULL ELSE date '2025-03-01' END"
        " FROM generate_series(1, {accounts}) AS a, generate_series(0, 1) AS i"
    ),
    "session": (
        "SELECT 2 * a + i, a, '192.0.2.1'::inet + (a % 200), {seen} + i * interval '1 day'"
        " FROM generate_series(1, {accounts}) AS a, generate_series(0, 1) AS i"
    ),
    "ticket": (
        "SELECT a, a, 'Subject of ticket ' || a, {seen} FROM generate_series(1, {accounts}) AS a"
    ),
    "ticket_message": (
        "SELECT 2 * a + i, a, repeat('A line of text. ', 6), {seen} + i * interval '1 hour'"
        " FROM generate_series(1, {accounts}) AS a, generate_series(0, 1) AS i"
    ),
    "invoice": (
        "SELECT 2 * a + i, a, 'F' || 2 * a + i, ({seen} AT TIME ZONE 'UTC')::date + i, 120.5"
        " FROM generate_series(1, {accounts}) AS a, generate_series(0, 1) AS i"
    ),
    "invoice_line": (
        "SELECT 4 * a + i, 2 * a + i / 2, 'Hosting, one month', 60.25"
        " FROM generate_series(1, {accounts}) AS a, generate_series(0, 3) AS i"
    ),
    "payment_method": (
        "SELECT a, a, 'visa', lpad((a % 10000)::text, 4, '0')"
        " FROM generate_series(1, {accounts}) AS a"
    ),
    "consent": (
        "SELECT a, a, 'newsletter', timestamptz '2014-01-01'"
        " FROM generate_series(1, {accounts}) AS a"
    ),
    "mail_log": (
        "SELECT 2 * a + i, a, 'welcome', timestamptz '2014-01-01'"
        " FROM generate_series(1, {accounts}) AS a, generate_series(0, 1) AS i"
    ),
}


def fill_shop(dsn: str, accounts: int, due: int) -> None:
    """Make the tables, fill them, index every reference, gather statistics."""
    places = {
        "{accounts}": str(accounts),
        "{due}": f"(a::bigint * 7919 % {accounts} < {due})",
        "{seen}": (
            f"(CASE WHEN a::bigint * 7919 % {accounts} < {due}"
            " THEN timestamptz '2014-06-01' ELSE timestamptz '2025-01-01' END)"
        ),
    }
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute((FOLDER / "shop.sql").read_text(encoding="utf-8"))
            for table, select in _FILL.items():
                for place, text in places.items():
                    select = select.replace(place, text)
                cursor.execute(f"INSERT INTO shop.{table} {select}")
            for child, column, parent in references():
                cursor.execute(f"CREATE INDEX ON shop.{child} ({column})")
                cursor.execute(
                    f"ALTER TABLE shop.{child} ADD CONSTRAINT {child}_{column}_fkey"
                    f" FOREIGN KEY ({column}) REFERENCES shop.{parent}"
                )
            cursor.execute("CREATE INDEX ON shop.service (ended_on)")
            cursor.execute("VACUUM ANALYZE")


def references() -> list[tuple[str, str, str]]:
    """Every foreign key: child, column, parent."""
    children = [table for table in ROWS if table != "account"]
    parents = {child: PARENTS.get(child, "account") for child in children}
    return [(child, f"{parents[child]}_id", parents[child]) for child in children]


def count_rows(dsn: str) -> dict[str, int]:
    """Count the rows of every table."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        found = {}
        for table in ROWS:
            cursor.execute(f"SELECT count(*) FROM shop.{table}")
            found[table] = int((cursor.fetchone() or (0,))[0])
    return found


def digest_rows(dsn: str) -> dict[str, str]:
    """Name the rows of every table that are left: a digest of their keys."""
    keys = {
        "ticket_message": "message_id",
        "invoice_line": "line_id",
        "mail_log": "mail_id",
        "payment_method": "payment_id",
    }
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        found = {}
        for table in ROWS:
            key = keys.get(table, f"{table}_id")
            cursor.execute(
                f"SELECT md5(coalesce(string_agg({key}::text, ',' ORDER BY {key}), ''))"
                f" FROM shop.{table}"
            )
            found[table] = str((cursor.fetchone() or ("",))[0])
    return found
