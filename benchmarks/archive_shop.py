"""The data of the archive's benchmark: accounts with invoices, a record of about 1 KB each."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg2

POLICY = Path(__file__).with_name("archive_shop.yaml")
AS_OF = date(2026, 6, 1)
DOCUMENTS_AN_ACCOUNT = 9
"""With the party data of the account that makes ten records."""

_MAKE = """
CREATE SCHEMA shop;
CREATE TABLE shop.account (
    account_id bigint PRIMARY KEY, company text, name text, email text, phone text, street text,
    postcode text, city text, country char(2), vat_number text, mandate text, ended_on date);
CREATE TABLE shop.invoice (
    invoice_id bigint PRIMARY KEY, number text NOT NULL, account_id bigint NOT NULL,
    issued_on date, country char(2), currency char(3), total numeric(12, 2), net numeric(12, 2),
    vat numeric(12, 2), state text, due_on date, paid_on date, bill_to_name text,
    bill_to_company text, bill_to_street text, bill_to_city text, remarks text);
"""

_FILL_ACCOUNTS = """
INSERT INTO shop.account
SELECT a, 'Société "Nord" ' || a, 'Given Family ' || a, 'user' || a || '@example.invalid',
       '+352 ' || 100000 + a, a % 300 || ', rue de la Gare', 'L-' || 1000 + a % 9000, 'Ettelbruck',
       'LU', 'LU' || 10000000 + a, rpad('mandate of ' || a || ' ', 500, 'reference '), NULL
FROM generate_series(1 + %(before)s, %(accounts)s + %(before)s) AS a
"""

_FILL_INVOICES = f"""
INSERT INTO shop.invoice
SELECT {DOCUMENTS_AN_ACCOUNT} * (a - 1) + i, 'F-' || {DOCUMENTS_AN_ACCOUNT} * (a - 1) + i, a,
       date '2018-01-01' + (({DOCUMENTS_AN_ACCOUNT} * a + i)::bigint * 7919 %% 2900)::int,
       'LU', 'EUR', 117.00 + a %% 977, 100.00 + a %% 977, 17.00, 'paid',
       date '2018-02-01', date '2018-02-02',
       'Given Family ' || a, 'Société "Nord" ' || a, a %% 300 || ', rue de la Gare', 'Ettelbruck',
       'hosting of an ERP, month ' || i
FROM generate_series(1 + %(before)s, %(accounts)s + %(before)s) AS a,
     generate_series(1, {DOCUMENTS_AN_ACCOUNT}) AS i
"""

_ENVELOPE = """
    'country', {country}, 'currency', {currency}, 'financial_year_end', date '2025-12-31',
    'format', 'lethe-archive/1', 'issued_on', {day}, 'key', ARRAY[{key}::text], 'kind', '{kind}',
    'number', {number}, 'party', json_build_object('leaf', repeat('0a', 32), 'leaf_no', {key}),
    'policy', json_build_object('name', 'bench', 'version', '1'), 'previous', null,
    'recorded_at', '2026-06-01T00:00:00.000000Z',
    'subject', json_build_object('key', ARRAY[account_id::text], 'kind', 'account'),
    'total', {total}, 'type', 'invoice', 'valid_from', {day}, 'version', 1
"""
COMPOSE = (
    "INSERT INTO plain SELECT 'party', account_id, json_build_object('bound', to_json(a),"
    " 'format', 'lethe-archive/1', 'kind', 'party',"
    " 'policy', json_build_object('name', 'bench', 'version', '1'),"
    " 'recorded_at', '2026-06-01T00:00:00.000000Z',"
    " 'subject', json_build_object('key', ARRAY[account_id::text], 'kind', 'account'))"
    " FROM shop.account AS a",
    "INSERT INTO plain SELECT 'document', invoice_id, json_build_object('bound', to_json(i),"
    " 'change', null, 'corrects', null,"
    + _ENVELOPE.format(
        country="country",
        currency="currency",
        day="issued_on",
        key="invoice_id",
        kind="document",
        number="number",
        total="total",
    )
    + ") FROM shop.invoice AS i",
)
"""What a team without Lethe writes: each row of the same tables as JSON with the same fields."""

_LINK = """
ALTER TABLE shop.invoice ADD FOREIGN KEY (account_id) REFERENCES shop.account;
CREATE INDEX ON shop.invoice (account_id);
"""


def make_shop(dsn: str, records: int) -> None:
    """Make a shop whose archive has about that many records."""
    with closing(psycopg2.connect(dsn)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(_MAKE)
            _fill(cursor, 0, records)
            cursor.execute(_LINK)
        connection.commit()
    _analyze(dsn)


def add_records(dsn: str, before: int, records: int) -> None:
    """Add accounts with invoices behind those that are there."""
    with closing(psycopg2.connect(dsn)) as connection:
        with connection.cursor() as cursor:
            _fill(cursor, before, records)
        connection.commit()


def _fill(cursor: psycopg2.extensions.cursor, before: int, records: int) -> None:
    each = DOCUMENTS_AN_ACCOUNT + 1
    values = {"before": before // each, "accounts": records // each}
    cursor.execute(_FILL_ACCOUNTS.replace("a % ", "a %% "), values)
    cursor.execute(_FILL_INVOICES, values)


def _analyze(dsn: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
