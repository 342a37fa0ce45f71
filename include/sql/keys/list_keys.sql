-- List all keys, living and destroyed.
-- identifiers: none
-- values: none
-- locks: none
SELECT key_id, purpose, period, kek_id, created_at, destroy_after, destroyed_at, final_at, wrapped, nonce
FROM lethe.key
ORDER BY purpose COLLATE "C", period COLLATE "C"
