-- Lock a claimed mail for the time of its sending; no row if somebody else is sending it.
-- identifiers: none
-- values: message_id (text)
-- locks: the row, until the transaction ends
SELECT state FROM lethe.report_mail WHERE message_id = %(message_id)s FOR UPDATE SKIP LOCKED
