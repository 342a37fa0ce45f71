-- Destroy a living key: its wrapped secret goes, its row stays.
-- identifiers: none
-- values: purpose (text), period (text), final_at (date)
-- locks: the row of the key
UPDATE lethe.key
SET wrapped = NULL, nonce = NULL, destroyed_at = now(), final_at = %(final_at)s
WHERE purpose = %(purpose)s AND period = %(period)s AND destroyed_at IS NULL
RETURNING key_id, purpose, period, kek_id, created_at, destroy_after, destroyed_at, final_at, wrapped, nonce
