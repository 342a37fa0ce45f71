-- The highest witness record that a ledger batch of the newest rows names.
-- identifiers: none
-- values: none
-- locks: none
SELECT max(b.witness_no)
FROM (SELECT DISTINCT batch FROM (
          SELECT batch FROM lethe.ledger ORDER BY id DESC LIMIT 2000) AS newest) AS n
JOIN lethe.ledger_batch AS b USING (batch)
