-- List sets of the archive that wait for a decision.
-- identifiers: none
-- values: policy_name (text), policy_digest (bytea)
-- locks: none
SELECT p.run_id, p.rule, p.digest
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE r.kind = 'archive' AND r.policy_name = %(policy_name)s
  AND r.policy_digest = %(policy_digest)s AND p.state = 'waiting'
ORDER BY r.started_at
