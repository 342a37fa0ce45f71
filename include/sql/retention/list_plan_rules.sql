-- The rules of a run, as planned and as far as they are.
-- identifiers: none
-- values: run_id (uuid)
-- locks: none
SELECT rule, subject_kind, cluster, clause, state, planned, counts, oldest_on, newest_on,
       over_limit, digest, flags
FROM lethe.plan_rule
WHERE run_id = %(run_id)s
ORDER BY rule COLLATE "C"
