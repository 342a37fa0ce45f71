-- Read the last record of a witness.
-- identifiers: none
-- values: warehouse_id (uuid)
-- locks: none
SELECT line FROM lethe_witness.record
WHERE warehouse_id = %(warehouse_id)s
ORDER BY number DESC
LIMIT 1
