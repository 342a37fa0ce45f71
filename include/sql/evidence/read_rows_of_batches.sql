-- Read the ledger rows of some batches, in the order of their leaves.
-- identifiers: none
-- values: batches (uuid[])
-- locks: none
SELECT id, batch::text, run_id::text, at, kind, subject_token, key_id::text, payload::text
FROM lethe.ledger
WHERE batch = ANY(%(batches)s::uuid[])
ORDER BY id
