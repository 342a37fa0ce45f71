-- Let one writer at a time add to the witness of a warehouse.
-- identifiers: none
-- values: warehouse_id (uuid)
-- locks: an advisory lock of the witness, until the transaction ends
SELECT pg_advisory_xact_lock(hashtextextended('lethe/witness/' || %(warehouse_id)s, 0))
