-- Read what expiry planned in a run.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: none
SELECT state, counts, digest, over_limit
FROM lethe.plan_rule
WHERE run_id = %(run_id)s AND rule = %(rule)s
