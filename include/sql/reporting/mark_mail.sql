-- Write what became of a mail.
-- identifiers: none
-- values: message_id, state, last_error (text), size (bigint)
-- locks: the row, until the transaction ends
UPDATE lethe.report_mail
SET state = %(state)s, finished_at = clock_timestamp(), size = %(size)s, last_error = %(last_error)s
WHERE message_id = %(message_id)s
