-- The keys of the ring by purpose and period: when each begins and ends, never the key.
-- identifiers: none
-- values: none
-- locks: none
SELECT purpose, period, destroy_after, destroyed_at, final_at
FROM lethe.key
ORDER BY purpose COLLATE "C", period COLLATE "C"
