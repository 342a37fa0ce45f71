-- Read a page of a witness, newest first.
-- identifiers: none
-- values: warehouse_id (uuid), before (bigint), page (integer)
-- locks: none
SELECT line FROM lethe_witness.record
WHERE warehouse_id = %(warehouse_id)s AND number < %(before)s
ORDER BY number DESC
LIMIT %(page)s
