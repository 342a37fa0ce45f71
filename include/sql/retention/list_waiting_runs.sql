-- Runs of a policy of which a rule waits for a person.
-- identifiers: none
-- values: policy_name (text), policy_digest (bytea)
-- locks: none
SELECT DISTINCT r.run_id, r.started_at
FROM lethe.run AS r
JOIN lethe.plan_rule AS p USING (run_id)
WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s AND r.policy_digest = %(policy_digest)s
  AND p.state = 'waiting'
ORDER BY r.started_at
