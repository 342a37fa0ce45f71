-- Claim a mail before it is handed over, or once more what an earlier attempt did not finish.
-- identifiers: none
-- values: message_id, policy_name, period, recipient, language, content (text), last_on (date), correction (integer)
-- locks: the row, until the transaction ends
INSERT INTO lethe.report_mail AS m
       (message_id, policy_name, period, last_on, correction, recipient, language, content, attempts)
VALUES (%(message_id)s, %(policy_name)s, %(period)s, %(last_on)s, %(correction)s, %(recipient)s,
        %(language)s, %(content)s, 1)
ON CONFLICT (message_id) DO UPDATE
SET state = 'claimed', content = excluded.content, language = excluded.language,
    attempts = m.attempts + 1, claimed_at = now(), finished_at = NULL
WHERE m.state <> 'sent'
