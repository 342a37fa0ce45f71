-- Destroy the copy of a wrapped key that a witness keeps.
-- identifiers: none
-- values: key_id (uuid), warehouse_id (uuid)
-- locks: the row of the key
DELETE FROM lethe_witness.kept_key
WHERE key_id = %(key_id)s AND warehouse_id = %(warehouse_id)s
