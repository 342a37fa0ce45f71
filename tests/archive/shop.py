"""A small warehouse with invoices, and what tests ask of its archive."""

from __future__ import annotations

DDL = """
CREATE TABLE account (
    id bigint PRIMARY KEY, name text, email text, country char(2), opened_on date, ended_on date);
CREATE TABLE account_history (
    account_id bigint NOT NULL REFERENCES account, name text, email text,
    valid_from date, valid_to date);
CREATE TABLE invoice (
    id bigint PRIMARY KEY, number text, account_id bigint REFERENCES account, state text NOT NULL,
    issued_on date, country char(2), currency char(3), total numeric, bill_to text);
CREATE TABLE invoice_line (
    invoice_id bigint NOT NULL REFERENCES invoice, line_no int NOT NULL, what text,
    PRIMARY KEY (invoice_id, line_no));
CREATE TABLE legal_case (
    id bigint PRIMARY KEY, account_id bigint NOT NULL REFERENCES account, closed_on date);
INSERT INTO account VALUES
    (1, 'Ann "A\\" Ü', 'ann@x.example', 'LU', '2010-01-01', '2020-06-30'),
    (2, 'Bob', 'bob@x.example', 'FR', '2010-01-01', NULL);
INSERT INTO account_history VALUES (1, 'Ann Before', 'old@x.example', '2010-01-01', '2015-01-01');
INSERT INTO invoice VALUES
    (10, 'A-10', 1, 'issued', '2014-03-01', 'LU', 'EUR', 10.50, 'Ann Before'),
    (11, 'A-11', 1, 'issued', '2018-03-01', 'LU', 'EUR', 20, 'Ann'),
    (12, 'A-12', 1, 'issued', '2018-04-01', 'LU', 'EUR', 30, 'Ann'),
    (13, NULL, 1, 'draft', NULL, 'LU', 'EUR', 1, 'Ann'),
    (20, 'B-20', 2, 'issued', '2019-01-01', 'FR', 'EUR', 5, 'Bob');
INSERT INTO invoice_line VALUES (10, 1, 'tea'), (10, 2, 'milk'), (11, 1, 'tea');
"""

POLICY = """
    subjects: {account: {table: public.account, key: id, country: country}}
    clusters: {account: {subject: account}}
    tables:
      public.account:
        cluster: account
        columns: {name: name, email: contact, country: contact}
        not_personal: [id, opened_on, ended_on]
        when_due: {do: skeleton, blank: [name, email, country]}
      public.account_history:
        cluster: account
        columns: {name: name, email: contact}
        not_personal: [account_id, valid_from, valid_to]
      public.invoice:
        cluster: account
        columns: {bill_to: billing}
        not_personal: [id, number, account_id, state, issued_on, country, currency, total]
        when_due: {do: keep, blank: [bill_to], because: issued documents stay}
      public.invoice_line:
        cluster: account
        not_personal: [invoice_id, line_no, what]
        when_due: {do: keep, because: issued documents stay}
      public.legal_case:
        cluster: account
        not_personal: [id, account_id, closed_on]
    rules:
      gone:
        cluster: account
        starting_point: {latest: [{column: ended_on, optional: true}]}
    guards:
      cap: {subjects: 50}
      approvers: [{user: vera, name: Vera}]
      holds:
        case:
          subject: account
          where: {exists: {table: public.legal_case, where: {column: closed_on, is: "null"}}}
          because: A case is open
    archive:
      clause: retention
      documents:
        invoice:
          title: Invoice
          table: public.invoice
          number: number
          issued_on: issued_on
          issued: {column: state, equals: issued}
          subject: account
          country: country
          currency: currency
          total: total
          columns: [state, bill_to]
          lines: [{table: public.invoice_line, columns: [line_no, what]}]
      party:
        - table: public.account
          columns: [name, email]
          history: public.account_history
          valid_from: valid_from
          valid_to: valid_to
      starting_point:
        event: end
        latest: [{column: ended_on, optional: true}]
      period: P10Y
      legal_minimum: {LU: {period: P10Y, law: Code de commerce art. 16}}
"""

MORE = (
    "INSERT INTO account SELECT i, 'N' || i, 'n@x.example', 'LU', '2010-01-01', NULL"
    " FROM generate_series(100, 104) AS i;"
    "INSERT INTO invoice SELECT 10 * i + n, 'M-' || i || '-' || n, i, 'issued', '2019-01-01', 'LU',"
    " 'EUR', 5, 'Bob' FROM generate_series(100, 104) AS i, generate_series(1, 5) AS n"
)
"""Five accounts more, with five invoices each."""
