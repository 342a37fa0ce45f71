-- Let one sealer at a time work.
-- identifiers: none
-- values: none
-- locks: the advisory lock of the sealer, until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('lethe/sealer', 0))
