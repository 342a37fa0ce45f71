-- Keep a wrapped key beside a witness; the newest wrapping wins.
-- identifiers: none
-- values: key_id (uuid), warehouse_id (uuid), wrapped (jsonb)
-- locks: the row of the key
INSERT INTO lethe_witness.kept_key (key_id, warehouse_id, wrapped)
VALUES (%(key_id)s, %(warehouse_id)s, %(wrapped)s)
ON CONFLICT (key_id) DO UPDATE SET wrapped = excluded.wrapped
