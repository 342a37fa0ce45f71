-- Keys, foreign keys with every kind of ON DELETE, indexes, triggers and copies in views.
-- Run once, after the tables are full.

ALTER TABLE catalog.country ADD PRIMARY KEY (code);
ALTER TABLE catalog.product ADD PRIMARY KEY (product_code);
ALTER TABLE catalog.plan ADD PRIMARY KEY (product_code, plan_code);
ALTER TABLE crm.employee ADD PRIMARY KEY (employee_id);
ALTER TABLE crm.account ADD PRIMARY KEY (account_id), ADD UNIQUE (account_number);
ALTER TABLE crm.account_history ADD PRIMARY KEY (account_id, version);
ALTER TABLE crm.contact ADD PRIMARY KEY (contact_id);
ALTER TABLE crm.account_contact ADD PRIMARY KEY (account_id, contact_id);
ALTER TABLE crm.address ADD PRIMARY KEY (address_id);
ALTER TABLE crm.app_user ADD PRIMARY KEY (user_id);
ALTER TABLE commerce.service ADD PRIMARY KEY (service_id);
ALTER TABLE commerce."order" ADD PRIMARY KEY (order_id);
ALTER TABLE commerce.order_line ADD PRIMARY KEY (order_id, line_no);
ALTER TABLE billing.sepa_mandate ADD PRIMARY KEY (account_id, mandate_no);
ALTER TABLE billing.payment_method ADD PRIMARY KEY (method_id);
ALTER TABLE billing.tax_document ADD PRIMARY KEY (tax_document_id);
ALTER TABLE billing.invoice ADD PRIMARY KEY (invoice_id), ADD UNIQUE (invoice_number);
ALTER TABLE billing.invoice_line ADD PRIMARY KEY (invoice_id, line_no);
ALTER TABLE billing.credit_note ADD PRIMARY KEY (credit_note_id), ADD UNIQUE (number);
ALTER TABLE billing.payment ADD PRIMARY KEY (payment_id);
ALTER TABLE billing.reminder ADD PRIMARY KEY (reminder_id);
ALTER TABLE support.ticket ADD PRIMARY KEY (ticket_id);
ALTER TABLE support.ticket_message ADD PRIMARY KEY (message_id);
ALTER TABLE support.chat ADD PRIMARY KEY (chat_id);
ALTER TABLE support."Call Record" ADD PRIMARY KEY ("Call ID");
ALTER TABLE support.complaint ADD PRIMARY KEY (complaint_id);
ALTER TABLE marketing.newsletter_reader ADD PRIMARY KEY (reader_id);
ALTER TABLE marketing.consent ADD PRIMARY KEY (consent_id);
ALTER TABLE marketing.suppression ADD PRIMARY KEY (email_token);
ALTER TABLE marketing.contest ADD PRIMARY KEY (contest_id);
ALTER TABLE marketing.contest_entry ADD PRIMARY KEY (contest_id, entry_no);
ALTER TABLE marketing.survey ADD PRIMARY KEY (survey_id);
ALTER TABLE marketing.survey_answer ADD PRIMARY KEY (answer_id);
ALTER TABLE web.session ADD PRIMARY KEY (session_id);
ALTER TABLE web.cookie ADD PRIMARY KEY (cookie_id);
ALTER TABLE web.pixel_hit ADD PRIMARY KEY (hit_id);
ALTER TABLE web.access_log ADD PRIMARY KEY (log_id, logged_at);
ALTER TABLE web.request_log ADD PRIMARY KEY (request_id);
ALTER TABLE compliance.identity_proof ADD PRIMARY KEY (proof_id);
ALTER TABLE compliance.disclosure ADD PRIMARY KEY (disclosure_id);
ALTER TABLE compliance.legal_case ADD PRIMARY KEY (case_id);
ALTER TABLE compliance.processor_link ADD PRIMARY KEY (account_id, processor);

-- Foreign keys.
ALTER TABLE catalog.plan ADD FOREIGN KEY (product_code) REFERENCES catalog.product;
ALTER TABLE crm.employee
    ADD FOREIGN KEY (manager_id) REFERENCES crm.employee ON DELETE SET NULL;
ALTER TABLE crm.account
    ADD FOREIGN KEY (country_code) REFERENCES catalog.country,
    ADD CONSTRAINT account_primary_contact FOREIGN KEY (primary_contact_id)
        REFERENCES crm.contact DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT account_referred_by FOREIGN KEY (referred_by)
        REFERENCES crm.account ON DELETE SET NULL;
ALTER TABLE crm.account_history
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE;
ALTER TABLE crm.contact
    ADD CONSTRAINT contact_main_account FOREIGN KEY (main_account_id)
        REFERENCES crm.account ON DELETE SET NULL;
ALTER TABLE crm.account_contact
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE,
    ADD FOREIGN KEY (contact_id) REFERENCES crm.contact ON DELETE RESTRICT;
ALTER TABLE crm.address
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE,
    ADD FOREIGN KEY (country_code) REFERENCES catalog.country;
ALTER TABLE crm.app_user
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE,
    ADD FOREIGN KEY (contact_id) REFERENCES crm.contact ON DELETE SET NULL;
ALTER TABLE commerce.service
    ADD FOREIGN KEY (account_id) REFERENCES crm.account,
    ADD FOREIGN KEY (product_code, plan_code) REFERENCES catalog.plan ON UPDATE CASCADE;
ALTER TABLE commerce."order"
    ADD FOREIGN KEY (account_id) REFERENCES crm.account,
    ADD FOREIGN KEY (ordered_by) REFERENCES crm.contact ON DELETE SET NULL;
ALTER TABLE commerce.order_line
    ADD FOREIGN KEY (order_id) REFERENCES commerce."order" ON DELETE CASCADE,
    ADD FOREIGN KEY (service_id) REFERENCES commerce.service ON DELETE SET NULL,
    ADD FOREIGN KEY (product_code, plan_code) REFERENCES catalog.plan ON UPDATE CASCADE;
ALTER TABLE billing.sepa_mandate
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE RESTRICT;
ALTER TABLE billing.payment_method
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE,
    ADD CONSTRAINT payment_method_mandate FOREIGN KEY (account_id, mandate_no)
        REFERENCES billing.sepa_mandate ON DELETE CASCADE;
ALTER TABLE billing.tax_document
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE RESTRICT;
ALTER TABLE billing.invoice
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE RESTRICT,
    ADD FOREIGN KEY (order_id) REFERENCES commerce."order" ON DELETE SET NULL;
ALTER TABLE billing.invoice_line
    ADD FOREIGN KEY (invoice_id) REFERENCES billing.invoice ON DELETE CASCADE;
ALTER TABLE billing.credit_note
    ADD FOREIGN KEY (invoice_id) REFERENCES billing.invoice DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE billing.payment
    ADD FOREIGN KEY (invoice_id) REFERENCES billing.invoice,
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE RESTRICT,
    ADD CONSTRAINT payment_mandate FOREIGN KEY (account_id, mandate_no)
        REFERENCES billing.sepa_mandate ON DELETE SET NULL (mandate_no);
ALTER TABLE support.ticket
    ADD FOREIGN KEY (account_id) REFERENCES crm.account,
    ADD FOREIGN KEY (contact_id) REFERENCES crm.contact ON DELETE SET NULL,
    ADD FOREIGN KEY (assigned_to) REFERENCES crm.employee ON DELETE SET NULL;
ALTER TABLE support.ticket_message
    ADD FOREIGN KEY (ticket_id) REFERENCES support.ticket ON DELETE CASCADE,
    ADD FOREIGN KEY (written_by) REFERENCES crm.employee ON DELETE SET NULL;
ALTER TABLE support.chat
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE,
    ADD FOREIGN KEY (employee_id) REFERENCES crm.employee ON DELETE SET NULL;
ALTER TABLE support."Call Record"
    ADD FOREIGN KEY (account_id) REFERENCES crm.account,
    ADD FOREIGN KEY (employee_id) REFERENCES crm.employee ON DELETE SET NULL;
ALTER TABLE support.complaint
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE NO ACTION;
ALTER TABLE marketing.consent
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE,
    ADD FOREIGN KEY (reader_id) REFERENCES marketing.newsletter_reader ON DELETE CASCADE;
ALTER TABLE marketing.contest_entry
    ADD FOREIGN KEY (contest_id) REFERENCES marketing.contest ON DELETE RESTRICT;
ALTER TABLE marketing.survey_answer
    ADD FOREIGN KEY (survey_id) REFERENCES marketing.survey,
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE;
ALTER TABLE web.session
    ADD FOREIGN KEY (user_id) REFERENCES crm.app_user ON DELETE CASCADE;
ALTER TABLE web.pixel_hit
    ADD FOREIGN KEY (cookie_id) REFERENCES web.cookie ON DELETE SET NULL;
ALTER TABLE compliance.identity_proof
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE RESTRICT;
ALTER TABLE compliance.disclosure
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE SET NULL;
ALTER TABLE compliance.legal_case
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE RESTRICT,
    ADD FOREIGN KEY (owner_id) REFERENCES crm.employee ON DELETE SET NULL;
ALTER TABLE compliance.processor_link
    ADD FOREIGN KEY (account_id) REFERENCES crm.account ON DELETE CASCADE;

-- Indexes behind foreign keys and undeclared links.
CREATE INDEX ON crm.employee (manager_id);
CREATE INDEX ON crm.account (primary_contact_id);
CREATE INDEX ON crm.account (referred_by);
CREATE INDEX ON crm.account (email);
CREATE INDEX ON crm.contact (main_account_id);
CREATE INDEX ON crm.account_contact (contact_id);
CREATE INDEX ON crm.address (account_id);
CREATE INDEX ON crm.app_user (account_id);
CREATE INDEX ON crm.app_user (contact_id);
CREATE INDEX ON commerce."order" (account_id);
CREATE INDEX ON commerce."order" (ordered_by);
CREATE INDEX ON commerce.order_line (service_id);
CREATE INDEX ON billing.payment_method (account_id, mandate_no);
CREATE INDEX ON billing.tax_document (account_id);
CREATE INDEX ON billing.invoice (account_id);
CREATE INDEX ON billing.invoice (order_id);
CREATE INDEX ON billing.credit_note (invoice_id);
CREATE INDEX ON billing.payment (invoice_id);
CREATE INDEX ON billing.payment (account_id, mandate_no);
CREATE INDEX ON billing.reminder (account_number);
CREATE INDEX ON support.ticket (account_id, opened_at);
CREATE INDEX ON support.ticket (contact_id);
CREATE INDEX ON support.ticket (assigned_to);
CREATE INDEX ON support.ticket_message (ticket_id);
CREATE INDEX ON support.ticket_message (written_by);
CREATE INDEX ON support.chat (account_id);
CREATE INDEX ON support.chat (cookie_id);
CREATE INDEX ON support.chat (employee_id);
CREATE INDEX ON support."Call Record" (account_id);
CREATE INDEX ON support."Call Record" (employee_id);
CREATE INDEX ON support.complaint (account_id);
CREATE INDEX ON marketing.consent (account_id);
CREATE INDEX ON marketing.consent (reader_id);
CREATE INDEX ON marketing.mail_event (email, campaign, kind, happened_at);
CREATE INDEX ON marketing.newsletter_reader (email);
CREATE INDEX ON marketing.survey_answer (account_id);
CREATE INDEX ON marketing.survey_answer (survey_id);
CREATE INDEX ON web.session (user_id);
CREATE INDEX ON web.pixel_hit (cookie_id);
CREATE INDEX ON web.access_log (account_number) WHERE account_number IS NOT NULL;
CREATE INDEX ON compliance.identity_proof (account_id);
CREATE INDEX ON compliance.disclosure (account_id);
CREATE INDEX ON compliance.legal_case (account_id);
CREATE INDEX ON compliance.legal_case (owner_id);

-- Indexes behind the tests for what is due.
CREATE INDEX ON crm.account (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX ON crm.account (birth_date) WHERE birth_date IS NOT NULL;
CREATE INDEX ON crm.employee (left_on);
CREATE INDEX ON commerce.service (account_id, ended_at);
CREATE INDEX ON commerce.service (ended_at);
CREATE INDEX ON support.ticket (closed_at);
CREATE INDEX ON support.chat (started_at);
CREATE INDEX ON support.complaint (settled_on);
CREATE INDEX ON marketing.newsletter_reader (unsubscribed_at);
CREATE INDEX ON marketing.newsletter_reader (last_opened_at);
CREATE INDEX ON marketing.newsletter_reader (subscribed_at);
CREATE INDEX ON marketing.consent (withdrawn_at) WHERE withdrawn_at IS NOT NULL;
CREATE INDEX ON marketing.mail_event (happened_at);
CREATE INDEX ON marketing.suppression (since);
CREATE INDEX ON marketing.contest_entry (entered_at);
CREATE INDEX ON marketing.survey_answer (answered_at);
CREATE INDEX ON web.session (expires_at);
CREATE INDEX ON web.cookie (first_seen_at);
CREATE INDEX ON web.pixel_hit (seen_at);
CREATE INDEX ON web.access_log (logged_at);
CREATE INDEX ON web.request_log (time);
CREATE INDEX ON compliance.identity_proof (checked_at);
CREATE INDEX ON compliance.identity_proof (received_at);
CREATE INDEX ON compliance.disclosure (disclosed_at);
CREATE INDEX ON billing.invoice (issued_on);

-- Triggers.
CREATE FUNCTION crm.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER touch BEFORE UPDATE ON crm.account
    FOR EACH ROW EXECUTE FUNCTION crm.touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE ON crm.contact
    FOR EACH ROW EXECUTE FUNCTION crm.touch_updated_at();
CREATE TRIGGER touch BEFORE UPDATE ON support.ticket
    FOR EACH ROW EXECUTE FUNCTION crm.touch_updated_at();

-- Copies that a report keeps.
CREATE VIEW report.unpaid_invoice AS
    SELECT i.invoice_number, i.due_on, i.total_cents, a.account_number, a.holder_name, a.email
    FROM billing.invoice i JOIN crm.account a USING (account_id)
    WHERE i.state = 'issued' AND i.paid_on IS NULL;
CREATE MATERIALIZED VIEW report.customer_revenue AS
    SELECT a.account_id, a.company_name, a.holder_name, a.country_code,
           sum(i.net_cents) AS net_cents, max(i.issued_on) AS last_invoice_on
    FROM crm.account a JOIN billing.invoice i USING (account_id)
    WHERE i.state = 'issued'
    GROUP BY a.account_id;
CREATE UNIQUE INDEX ON report.customer_revenue (account_id);
