-- Wait until no batch is in flight between witness and commit, and let none begin.
-- identifiers: none
-- values: none
-- locks: the advisory lock of batches, exclusive, until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('lethe/batches', 0))
