-- Say whether a batch of the ledger was committed.
-- identifiers: none
-- values: batch (uuid)
-- locks: none
SELECT batch FROM lethe.ledger_batch WHERE batch = %(batch)s
