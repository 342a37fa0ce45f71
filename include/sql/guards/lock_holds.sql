-- Lay a hold while no batch is between its re-check and its commit.
-- identifiers: none
-- values: none
-- locks: the advisory lock of holds, until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('lethe/holds', 0))
