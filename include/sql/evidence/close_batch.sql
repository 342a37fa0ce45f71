-- Say that a batch is complete; a second one of the same name is refused by the key.
-- identifiers: none
-- values: batch (uuid), run_id (uuid), row_count (integer), witness_no (bigint), witness_hash (bytea)
-- locks: the new row
INSERT INTO lethe.ledger_batch (batch, run_id, row_count, witness_no, witness_hash)
VALUES (%(batch)s, %(run_id)s, %(row_count)s, %(witness_no)s, %(witness_hash)s)
