-- Read the identity and state of the warehouse.
-- identifiers: none
-- values: none
-- locks: none
SELECT warehouse_id::text, created_at, rehearsal, armed_at, armed_by FROM lethe.warehouse
