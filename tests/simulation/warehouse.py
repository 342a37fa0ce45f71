"""The same world as tables and as a policy, for the product."""

from __future__ import annotations

DDL = """
CREATE SCHEMA crm; CREATE SCHEMA billing; CREATE SCHEMA desk; CREATE SCHEMA marketing;
CREATE TABLE crm.customer (
    id int PRIMARY KEY, email text, country text, opened_on date NOT NULL, closed_on date,
    in_court boolean NOT NULL DEFAULT false, restricted boolean NOT NULL DEFAULT false);
CREATE TABLE crm.service (
    id int PRIMARY KEY, customer_id int NOT NULL REFERENCES crm.customer, state text NOT NULL,
    ends_at timestamptz);
CREATE TABLE crm.note (
    id int PRIMARY KEY, customer_id int NOT NULL REFERENCES crm.customer,
    seen_at timestamp NOT NULL);
CREATE TABLE billing.invoice (
    id int PRIMARY KEY, customer_id int NOT NULL REFERENCES crm.customer, payer text);
CREATE TABLE crm.contact (id int PRIMARY KEY, name text);
CREATE TABLE crm.customer_contact (
    customer_id int REFERENCES crm.customer, contact_id int REFERENCES crm.contact,
    PRIMARY KEY (customer_id, contact_id));
CREATE TABLE crm.message (
    id int PRIMARY KEY, sender int REFERENCES crm.customer, recipient int REFERENCES crm.customer,
    body text);
CREATE TABLE desk.ticket (
    id int PRIMARY KEY, customer_id int NOT NULL REFERENCES crm.customer, closed_at timestamp);
CREATE TABLE marketing.reader (email text PRIMARY KEY, left_at timestamptz, objected_on date);
CREATE INDEX ON crm.service (customer_id); CREATE INDEX ON crm.note (customer_id);
CREATE INDEX ON billing.invoice (customer_id); CREATE INDEX ON desk.ticket (customer_id);
CREATE INDEX ON crm.customer_contact (contact_id);
CREATE INDEX ON crm.message (sender); CREATE INDEX ON crm.message (recipient);
"""

POLICY = """
subjects:
  customer:
    table: crm.customer
    key: id
    identifiers: {email: email}
    country: country
  reader: {table: marketing.reader, key: email, identifiers: {email: email}}
clusters:
  account: {subject: customer}
  tickets: {subject: customer}
  newsletter: {subject: reader}
tables:
  crm.customer:
    cluster: account
    columns: {email: contact, country: contact}
    not_personal: [id, opened_on, closed_on, in_court, restricted]
    when_due: skeleton
  crm.service: {cluster: account, not_personal: [id, customer_id, state, ends_at]}
  crm.note: {cluster: account, not_personal: [id, customer_id, seen_at], activity: seen_at}
  billing.invoice:
    cluster: account
    columns: {payer: billing}
    not_personal: [id, customer_id]
    when_due: {do: keep, blank: [payer], because: an issued invoice stays}
  crm.contact:
    cluster: account
    columns: {name: name}
    not_personal: [id]
    links: [{columns: id, to: crm.customer_contact, references: contact_id}]
  crm.customer_contact:
    cluster: account
    not_personal: [customer_id, contact_id]
    links: [{columns: customer_id, to: crm.customer}]
  crm.message:
    cluster: account
    columns: {body: content}
    not_personal: [id, sender, recipient]
    links: [{columns: sender, to: crm.customer}, {columns: recipient, to: crm.customer}]
  desk.ticket: {cluster: tickets, not_personal: [id, customer_id, closed_at]}
  marketing.reader:
    cluster: newsletter
    columns: {email: contact}
    not_personal: [left_at, objected_on]
rules:
  account-inactive:
    cluster: account
    period: P2Y
    at_least:
      DE: {period: P3Y, law: "BGB § 195"}
      FR: {period: P30M, law: "a law of thirty months"}
    starting_point:
      event: end of the last service, or the closing
      latest:
        - table: crm.service
          column: ends_at
          where: {column: state, not_equals: draft}
          running: {column: state, equals: open}
        - {column: closed_on, optional: true}
      not_before: {column: opened_on}
  ticket-closed:
    cluster: tickets
    period: P1Y
    starting_point:
      latest: [{table: desk.ticket, column: closed_at, running: {column: closed_at, is: "null"}}]
  reader-left:
    cluster: newsletter
    period: P1M
    where: {column: objected_on, is: "null"}
    starting_point: {latest: [{column: left_at, running: {column: left_at, is: "null"}}]}
  reader-objected:
    cluster: newsletter
    period: P0D
    where: {column: objected_on, is: "not null"}
    starting_point: {latest: [{column: objected_on}]}
guards:
  holds:
    court: {subject: customer, where: {column: in_court, is: "true"}, because: a case is open}
  restrictions:
    art18: {subject: customer, where: {column: restricted, is: "true"}, because: Art. 18}
"""

COLUMNS = {
    "crm.customer": "id, email, country, opened_on, closed_on",
    "crm.service": "id, customer_id",
    "crm.note": "id, customer_id",
    "billing.invoice": "id, customer_id, payer",
    "crm.contact": "id",
    "crm.customer_contact": "customer_id, contact_id",
    "crm.message": "id, sender, recipient",
    "desk.ticket": "id, customer_id",
    "marketing.reader": "email",
}
