-- Wrap a living key with another key-encryption key.
-- identifiers: none
-- values: key_id (uuid), wrapped (bytea), nonce (bytea), kek_id (text)
-- locks: the row of the key
UPDATE lethe.key
SET wrapped = %(wrapped)s, nonce = %(nonce)s, kek_id = %(kek_id)s
WHERE key_id = %(key_id)s AND destroyed_at IS NULL
