-- Find the key of a purpose and period, living or destroyed.
-- identifiers: none
-- values: purpose (text), period (text)
-- locks: none
SELECT key_id, purpose, period, kek_id, created_at, destroy_after, destroyed_at, final_at, wrapped, nonce
FROM lethe.key
WHERE purpose = %(purpose)s AND period = %(period)s
