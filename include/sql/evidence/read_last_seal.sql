-- Read the newest seal.
-- identifiers: none
-- values: none
-- locks: none
SELECT seal_no, leaf_count, first_id, last_id, merkle_root, previous_hash, seal_hash, sealed_at
FROM lethe.ledger_seal
ORDER BY seal_no DESC
LIMIT 1
