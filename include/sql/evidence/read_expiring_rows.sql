-- Read the sealed ledger rows about single subjects that are older than their period.
-- identifiers: none
-- values: before (timestamptz)
-- locks: none
SELECT l.id, l.batch::text, l.run_id::text, l.at, l.kind, l.subject_token, l.key_id::text, l.payload::text
FROM lethe.ledger l JOIN lethe.ledger_sealing s USING (batch)
WHERE l.at < %(before)s AND l.subject_token IS NOT NULL
