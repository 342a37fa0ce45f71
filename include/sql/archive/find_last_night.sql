-- Find the newest closed night of the archive up to a day.
-- identifiers: none
-- values: kind (text), policy_name (text), as_of (date)
-- locks: none
SELECT run_id, as_of, state, finished_at, summary
FROM lethe.run
WHERE kind = %(kind)s AND policy_name = %(policy_name)s AND as_of <= %(as_of)s
  AND finished_at IS NOT NULL
ORDER BY started_at DESC
LIMIT 1
