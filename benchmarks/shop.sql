-- Twelve tables around an account, as a small hosting company has them.
CREATE SCHEMA shop;
CREATE TABLE shop.account (
    account_id bigint PRIMARY KEY, email text NOT NULL, company text, first_name text,
    last_name text, phone text, country char(2) NOT NULL, created_at timestamptz NOT NULL,
    restricted boolean NOT NULL DEFAULT false, seen integer NOT NULL DEFAULT 0
) WITH (fillfactor = 90);
CREATE TABLE shop.contact (
    contact_id bigint PRIMARY KEY, account_id bigint NOT NULL, name text, email text);
CREATE TABLE shop.address (
    address_id bigint PRIMARY KEY, account_id bigint NOT NULL, street text, postcode text,
    city text);
CREATE TABLE shop.service (
    service_id bigint PRIMARY KEY, account_id bigint NOT NULL, product text NOT NULL,
    started_on date NOT NULL, ended_on date);
CREATE TABLE shop.session (
    session_id bigint PRIMARY KEY, account_id bigint NOT NULL, ip inet,
    started_at timestamptz NOT NULL);
CREATE TABLE shop.ticket (
    ticket_id bigint PRIMARY KEY, account_id bigint NOT NULL, subject text,
    opened_at timestamptz NOT NULL);
CREATE TABLE shop.ticket_message (
    message_id bigint PRIMARY KEY, ticket_id bigint NOT NULL, body text,
    sent_at timestamptz NOT NULL);
CREATE TABLE shop.invoice (
    invoice_id bigint PRIMARY KEY, account_id bigint NOT NULL, number text NOT NULL,
    issued_on date NOT NULL, total numeric(12, 2) NOT NULL);
CREATE TABLE shop.invoice_line (
    line_id bigint PRIMARY KEY, invoice_id bigint NOT NULL, label text, amount numeric(12, 2));
CREATE TABLE shop.payment_method (
    payment_id bigint PRIMARY KEY, account_id bigint NOT NULL, brand text, last4 char(4));
CREATE TABLE shop.consent (
    consent_id bigint PRIMARY KEY, account_id bigint NOT NULL, purpose text,
    given_at timestamptz NOT NULL);
CREATE TABLE shop.mail_log (
    mail_id bigint PRIMARY KEY, account_id bigint NOT NULL, template text,
    sent_at timestamptz NOT NULL);
