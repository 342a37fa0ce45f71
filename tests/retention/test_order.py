"""Rules go in the order of what rests on what, not in that of their names."""

from __future__ import annotations

from datetime import date

from tests.kit import MakeKit

DDL = """
CREATE TABLE customer (id int PRIMARY KEY, name text, left_on date);
CREATE TABLE ticket (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer,
                     closed_on date);
INSERT INTO customer VALUES (1, 'A', '2020-01-31'), (2, 'B', '2020-01-31');
INSERT INTO ticket VALUES (10, 1, '2020-01-31'), (20, 2, '2026-05-01');
"""
POLICY = """
subjects: {customer: {table: public.customer, key: id}}
clusters: {account: {subject: customer}, tickets: {subject: customer}}
tables:
  public.customer:
    cluster: account
    columns: {name: name}
    not_personal: [id, left_on]
    when_due: skeleton
  public.ticket: {cluster: tickets, not_personal: [id, customer_id, closed_on]}
rules:
  a-account: {cluster: account, starting_point: {latest: [{column: left_on}]}}
  b-tickets:
    cluster: tickets
    period: P1Y
    starting_point: {latest: [{table: public.ticket, column: closed_on}]}
"""


def test_no_skeleton_stays_for_rows_that_go_in_the_same_night(make_kit: MakeKit) -> None:
    kit = make_kit(DDL, POLICY)
    kit.sweep(date(2026, 6, 1))
    assert kit.execute("SELECT id, name FROM customer") == [(2, None)]
    assert kit.ids("ticket") == [20]
