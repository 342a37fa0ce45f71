-- Add ledger rows in bulk.
-- identifiers: none
-- values: none (rows on standard input)
-- locks: the new rows
COPY lethe.ledger (batch, run_id, kind, subject_token, key_id, payload) FROM STDIN
