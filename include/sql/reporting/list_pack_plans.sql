-- List what some runs planned, rule by rule.
-- identifiers: none
-- values: runs (uuid[])
-- locks: none
SELECT p.run_id::text, p.rule, p.subject_kind, p.cluster, p.clause, p.state, p.planned, p.counts,
       p.oldest_on, p.newest_on, p.usual, p.over_limit, p.flags, encode(p.digest, 'hex')
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE p.run_id = ANY(%(runs)s::uuid[])
ORDER BY r.started_at, p.run_id, p.rule COLLATE "C"
