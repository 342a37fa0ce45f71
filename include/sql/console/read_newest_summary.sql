-- Read the newest summary of a period that a report left for the page; not once more what is known.
-- identifiers: none
-- values: policy_name (text), period (text), known (timestamptz: made_at of the one that is known)
-- locks: none
SELECT made_at, CASE WHEN made_at IS DISTINCT FROM %(known)s::timestamptz THEN document END
FROM lethe.summary
WHERE policy_name = %(policy_name)s AND period = %(period)s
ORDER BY made_at DESC
LIMIT 1
