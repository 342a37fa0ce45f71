-- Say that a batch is in flight between witness and commit; waits only for whoever settles.
-- identifiers: none
-- values: none
-- locks: the advisory lock of batches, shared, until the transaction ends
SELECT pg_advisory_xact_lock_shared(hashtextextended('lethe/batches', 0))
