-- Say since when the warehouse could be erased from.
-- identifiers: none
-- values: none
-- locks: none
SELECT min(at) FROM lethe.ledger WHERE run_id IS NULL AND kind = 'warehouse_armed'
