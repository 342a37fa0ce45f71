-- Let one append at a time grow the tree.
-- identifiers: none
-- values: none
-- locks: an advisory lock of the transaction
SELECT pg_advisory_xact_lock(hashtextextended('lethe/archive', 0))
