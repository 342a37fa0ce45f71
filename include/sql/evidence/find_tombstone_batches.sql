-- Find which of some batches have their tombstones here.
-- identifiers: none
-- values: batches (uuid[])
-- locks: none
SELECT DISTINCT batch::text FROM lethe.tombstone WHERE batch = ANY(%(batches)s::uuid[])
