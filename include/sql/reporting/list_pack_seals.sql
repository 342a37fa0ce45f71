-- List some seals in their order.
-- identifiers: none
-- values: first_seal (bigint), last_seal (bigint)
-- locks: none
SELECT seal_no, leaf_count, first_id, last_id, merkle_root, previous_hash, seal_hash, sealed_at
FROM lethe.ledger_seal
WHERE seal_no BETWEEN %(first_seal)s AND %(last_seal)s
ORDER BY seal_no
