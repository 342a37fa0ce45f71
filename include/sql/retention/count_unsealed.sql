-- Ledger rows that came after the newest seal: in how many batches (of the first 10,000 rows), and
-- the age of the oldest in hours. The order by id keeps to the index: what is sealed is never read.
-- identifiers: none
-- values: none
-- locks: none
SELECT count(DISTINCT u.batch), coalesce(extract(epoch FROM now() - min(u.at)) / 3600, 0)::float8
FROM (
    SELECT batch, at
    FROM lethe.ledger
    WHERE id > coalesce((SELECT last_id FROM lethe.ledger_seal ORDER BY seal_no DESC LIMIT 1), 0)
    ORDER BY id
    LIMIT 10000
) AS u
