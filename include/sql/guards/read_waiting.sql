-- Read the rules of a run that wait for a decision.
-- identifiers: none
-- values: run_id (uuid)
-- locks: none
SELECT r.policy_name, r.policy_version, r.policy_digest, r.as_of, r.requested_by, r.started_at,
       p.rule, p.subject_kind, p.cluster, p.clause, p.counts, p.oldest_on, p.newest_on,
       p.over_limit, p.digest
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE p.run_id = %(run_id)s AND p.state = 'waiting'
ORDER BY p.rule COLLATE "C"
