-- Read the identity that every key is bound to.
-- identifiers: none
-- values: none
-- locks: none
SELECT warehouse_id::text FROM lethe.warehouse
