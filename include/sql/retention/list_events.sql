-- What the ledger noted in a period beside the work on subjects: arming, alarms, replays, holds.
-- identifiers: none
-- values: kinds (text[]), begins, ends (timestamptz, end excluded)
-- locks: none
SELECT l.at, l.kind, l.payload
FROM lethe.ledger AS l
WHERE l.kind = ANY(%(kinds)s::text[]) AND l.at >= %(begins)s AND l.at < %(ends)s
  AND l.run_id IS NULL
ORDER BY l.id
