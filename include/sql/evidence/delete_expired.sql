-- Remove the ledger rows whose leaves are kept; the trigger is lifted for this transaction.
-- identifiers: none
-- values: none
-- locks: the removed rows
DELETE FROM lethe.ledger l USING lethe.ledger_expired e WHERE l.id = e.id
