-- Read a wrapped key that a witness keeps.
-- identifiers: none
-- values: key_id (uuid), warehouse_id (uuid)
-- locks: none
SELECT wrapped FROM lethe_witness.kept_key
WHERE key_id = %(key_id)s AND warehouse_id = %(warehouse_id)s
