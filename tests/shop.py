"""A small warehouse with Lethe set up in it: customers, tickets, invoices, cases, requests."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lethe.catalogue.graph import Graph, build_graph
from lethe.catalogue.read import read_catalogue
from lethe.connections import Role, acting_as
from lethe.evidence.initialise import initialise
from lethe.evidence.privileges import Grant
from lethe.evidence.witness_file import FileWitness
from lethe.keys import KeyEncryptionKey, KeyRing
from lethe.policy.load import LoadedPolicy, parse_policy
from lethe.policy.names import TableName
from psycopg2 import extensions

SCHEMA = """
CREATE SCHEMA crm;
CREATE TABLE crm.customer (
    customer_id bigint PRIMARY KEY, email text, phone text, country char(2),
    opened_on date, last_service_ended_on date, note text);
CREATE TABLE crm.ticket (
    ticket_id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES crm.customer,
    state text NOT NULL, opened_on date NOT NULL);
CREATE TABLE crm.invoice (
    invoice_id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES crm.customer,
    issued_on date NOT NULL, paid_on date);
CREATE TABLE crm.legal_case (
    case_id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES crm.customer,
    closed_on date);
CREATE TABLE crm.person_request (
    request_id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES crm.customer,
    kind text NOT NULL, state text NOT NULL);
CREATE TABLE crm.reader (
    reader_id uuid PRIMARY KEY, email text NOT NULL, unsubscribed_on date);
"""

POLICY = """
policy:
  name: shop
  version: "2026-01"
  title: Shop
  announced_on: 2025-12-01
  effective_from: 2026-01-01
controller:
  name: Shop Ltd
  country: LU
  contact: gdpr@example.org
  dpo: {name: Officer}
clauses:
  retention:
    section: "9"
    promise: Deleted two years after the last service.
    control: {kind: enforced, by: [retention_sweep], rules: [inactive]}
  newsletter:
    section: "4"
    promise: Readers are forgotten 30 days after they leave.
    control: {kind: enforced, by: [retention_sweep], rules: [left]}
purposes:
  contract: {title: Contract, basis: contract}
  news: {title: News, basis: consent}
subjects:
  customer:
    title: customers
    table: crm.customer
    key: customer_id
    country: country
    identifiers:
      email: email
      phone: {columns: phone, normalise: digits}
  reader:
    title: newsletter readers
    table: crm.reader
    key: reader_id
    identifiers: {email: email}
clusters:
  account: {title: Account data, subject: customer, purpose: contract}
  subscription: {title: Subscriptions, subject: reader, purpose: news}
tables:
  crm.customer:
    cluster: account
    columns: {email: contact, phone: contact, country: contact, note: content}
    not_personal: [customer_id, opened_on, last_service_ended_on]
  crm.ticket:
    cluster: account
    columns: {state: content}
    not_personal: [ticket_id, opened_on, customer_id]
    activity: opened_on
  crm.invoice:
    cluster: account
    not_personal: [invoice_id, customer_id, issued_on, paid_on]
  crm.legal_case:
    cluster: account
    not_personal: [case_id, customer_id, closed_on]
  crm.person_request:
    cluster: account
    not_personal: [request_id, customer_id, kind, state]
  crm.reader:
    cluster: subscription
    columns: {email: contact}
    not_personal: [reader_id, unsubscribed_on]
rules:
  inactive:
    cluster: account
    clause: retention
    title: Two years after the end of the last service
    period: P2Y
    starting_point:
      event: end of the last service
      latest: [{column: last_service_ended_on, optional: true}]
      not_before: {column: opened_on, optional: true}
  left:
    cluster: subscription
    clause: newsletter
    title: Thirty days after leaving
    period: P30D
    starting_point:
      event: unsubscribed
      latest: [{column: unsubscribed_on, optional: true}]
guards:
  cap: {subjects: 3}
  approvers:
    - {user: vera, name: Vera Weis}
    - {user: otto, name: Otto Kremer}
  holds:
    litigation:
      subject: customer
      where: {exists: {table: crm.legal_case, where: {column: closed_on, is: "null"}}}
      because: A lawsuit is open
    open_request:
      subject: customer
      where:
        exists:
          table: crm.person_request
          where:
            - {column: kind, not_equals: erasure}
            - {column: state, not_in: [answered, refused]}
      because: A request of the person is open
  risk_flags:
    open_ticket:
      subject: customer
      where: {exists: {table: crm.ticket, where: {column: state, equals: open}}}
      title: Has an open ticket
    unpaid:
      subject: customer
      where: {exists: {table: crm.invoice, where: {column: paid_on, is: "null"}}}
      title: Has an unpaid invoice
"""

LONG_AGO = date(2020, 1, 1)
TABLES = ("customer", "ticket", "invoice", "legal_case", "person_request", "reader")


@dataclass
class Shop:
    """The shop's warehouse, and what works on it."""

    dsn: str
    connection: extensions.connection
    loaded: LoadedPolicy
    ring: KeyRing
    witness: FileWitness

    def execute(self, text: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Do something to the warehouse as its owner, and commit."""
        self.connection.rollback()
        with self.connection.cursor() as cursor:
            cursor.execute(text, values)
            rows = cursor.fetchall() if cursor.description else []
        self.connection.commit()
        return rows

    def act(self, role: Role) -> extensions.connection:
        """The connection, in a fresh transaction of a role."""
        self.connection.rollback()
        acting_as(self.connection, role)
        return self.connection

    def graph(self, loaded: LoadedPolicy | None = None) -> Graph:
        """Policy and catalogue, joined."""
        self.connection.rollback()
        found, findings = build_graph(
            (loaded or self.loaded).policy, read_catalogue(self.connection)
        )
        assert not findings
        return found

    def edition(self, *changes: tuple[str, str], **edition: str) -> LoadedPolicy:
        """Another edition of the policy, by replacing text."""
        text = POLICY
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        for name, value in edition.items():
            text = re.sub(rf"(?m)^  {name}: .*$", f"  {name}: {value}", text, count=1)
        return parse_policy(text, "shop.yaml")

    def add_customers(self, *ended: date | None, first: int = 1) -> None:
        """Customers 1, 2, … whose last service ended on these days."""
        for number, day in enumerate(ended, start=first):
            self.execute(
                "INSERT INTO crm.customer VALUES (%s, %s, %s, 'LU', '2010-01-01', %s)",
                (number, f"Customer{number}@Example.org", f"+352 {number:06d}", day),
            )


@pytest.fixture
def shop(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """An empty shop with Lethe initialised; the session user may take every role."""
    monkeypatch.setenv("LETHE_HOME", str(tmp_path))
    dsn = new_database()
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
    connection.commit()
    tables = [TableName("crm", name) for name in TABLES]
    grants = [
        *(Grant(table, ("SELECT", "UPDATE", "DELETE")) for table in tables),
        *(Grant(table, ("SELECT",), role="planner") for table in tables),
    ]
    warehouse = initialise(connection, rehearsal=True, grants=grants).warehouse
    witness = FileWitness.create(warehouse.warehouse_id, tmp_path / "witness")
    acting_as(connection, "runner")
    ring = KeyRing.open(connection, KeyEncryptionKey(os.urandom(32)), witness)
    connection.commit()
    yield Shop(dsn, connection, parse_policy(POLICY, "shop.yaml"), ring, witness)
    witness.close()
    connection.close()
