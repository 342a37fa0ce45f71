-- List the committed batches that no seal covers, however low the ids of their rows.
-- identifiers: none
-- values: none
-- locks: none
SELECT b.batch::text, b.row_count
FROM lethe.ledger_batch b
WHERE NOT EXISTS (SELECT FROM lethe.ledger_sealing s WHERE s.batch = b.batch)
