-- Add a wrapped key unless its period has one; a rival waits here for the first to commit.
-- identifiers: none
-- values: key_id (uuid), purpose (text), period (text), wrapped (bytea), nonce (bytea), kek_id (text), destroy_after (date)
-- locks: the new row
INSERT INTO lethe.key (key_id, purpose, period, wrapped, nonce, kek_id, destroy_after)
VALUES (%(key_id)s, %(purpose)s, %(period)s, %(wrapped)s, %(nonce)s, %(kek_id)s, %(destroy_after)s)
ON CONFLICT DO NOTHING
RETURNING key_id, purpose, period, kek_id, created_at, destroy_after, destroyed_at, final_at, wrapped, nonce
