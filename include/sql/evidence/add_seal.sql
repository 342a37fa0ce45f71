-- Add a seal.
-- identifiers: none
-- values: seal_no, leaf_count, first_id, last_id (bigint), merkle_root, previous_hash, seal_hash (bytea), sealed_at (timestamptz)
-- locks: the new row
INSERT INTO lethe.ledger_seal
    (seal_no, leaf_count, first_id, last_id, merkle_root, previous_hash, seal_hash, sealed_at)
VALUES (%(seal_no)s, %(leaf_count)s, %(first_id)s, %(last_id)s, %(merkle_root)s,
        %(previous_hash)s, %(seal_hash)s, %(sealed_at)s)
