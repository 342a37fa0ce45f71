-- Ledger rows that came after the newest seal: how many batches, and the age of the oldest in hours.
-- identifiers: none
-- values: none
-- locks: none
SELECT count(DISTINCT batch), coalesce(extract(epoch FROM now() - min(at)) / 3600, 0)::float8
FROM lethe.ledger
WHERE id > coalesce((SELECT last_id FROM lethe.ledger_seal ORDER BY seal_no DESC LIMIT 1), 0)
