-- Find the identity of this warehouse and whether a batch of it names a witness record.
-- identifiers: none
-- values: none
-- locks: none
SELECT warehouse_id::text, EXISTS (SELECT FROM lethe.ledger_batch WHERE witness_no > 0)
FROM lethe.warehouse
