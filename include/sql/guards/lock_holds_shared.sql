-- Let no new hold or restriction come between the re-check of a batch and its commit.
-- identifiers: none
-- values: none
-- locks: the advisory lock of holds, shared, until the transaction ends
SELECT pg_advisory_xact_lock_shared(hashtextextended('lethe/holds', 0))
