-- Read a page of a witness, oldest first.
-- identifiers: none
-- values: warehouse_id (uuid), after (bigint), page (integer)
-- locks: none
SELECT line FROM lethe_witness.record
WHERE warehouse_id = %(warehouse_id)s AND number > %(after)s
ORDER BY number
LIMIT %(page)s
