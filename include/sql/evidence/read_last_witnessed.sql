-- Read the witness record that the newest committed batch names; a new witness counts from 1 again.
-- identifiers: none
-- values: none
-- locks: none
SELECT witness_no, witness_hash FROM lethe.ledger_batch
WHERE witness_no IS NOT NULL
ORDER BY at DESC, witness_no DESC
LIMIT 1
