-- Tell whether the last closing of a run on the ledger has these sums.
-- identifiers: none
-- values: run_id (uuid), payload (jsonb)
-- locks: none
--
-- The day and the outlook do not count: told again after a crash, they may be others.
SELECT l.payload - ARRAY['on', 'outlook'] = %(payload)s::jsonb - ARRAY['on', 'outlook']
FROM lethe.ledger AS l
WHERE l.run_id = %(run_id)s AND l.kind = 'sweep_closed'
ORDER BY l.id DESC
LIMIT 1
