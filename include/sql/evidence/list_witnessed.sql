-- List the warehouses that a witness database knows.
-- identifiers: none
-- values: none
-- locks: none
SELECT warehouse_id::text FROM lethe_witness.record WHERE number = 1 ORDER BY warehouse_id
