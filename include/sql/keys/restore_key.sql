-- Put back a living key that a restored warehouse has lost.
-- identifiers: none
-- values: key_id (uuid), purpose (text), period (text), wrapped (bytea), nonce (bytea), kek_id (text), created_at (timestamptz), destroy_after (date)
-- locks: the new row
INSERT INTO lethe.key (key_id, purpose, period, wrapped, nonce, kek_id, created_at, destroy_after)
VALUES (%(key_id)s, %(purpose)s, %(period)s, %(wrapped)s, %(nonce)s, %(kek_id)s, %(created_at)s, %(destroy_after)s)
ON CONFLICT DO NOTHING
