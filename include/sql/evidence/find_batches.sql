-- Find which of some batches were committed.
-- identifiers: none
-- values: batches (uuid[])
-- locks: none
SELECT batch::text FROM lethe.ledger_batch WHERE batch = ANY(%(batches)s::uuid[])
