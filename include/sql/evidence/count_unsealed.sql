-- Count what stands beside the seals: batches waiting for one, rows of batches that do not exist.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    (SELECT count(*) FROM lethe.ledger_batch b
     WHERE NOT EXISTS (SELECT FROM lethe.ledger_sealing s WHERE s.batch = b.batch)),
    (SELECT count(*) FROM lethe.ledger l
     WHERE NOT EXISTS (SELECT FROM lethe.ledger_batch b WHERE b.batch = l.batch)),
    (SELECT count(*) FROM lethe.ledger_batch b
     WHERE b.row_count <> (SELECT count(*) FROM lethe.ledger l WHERE l.batch = b.batch)
                        + (SELECT count(*) FROM lethe.ledger_expired e WHERE e.batch = b.batch))
