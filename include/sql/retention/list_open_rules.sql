-- Approved sets of earlier runs that are not worked off yet, oldest first.
-- identifiers: none
-- values: policy_name (text), policy_digest (bytea), run_id (uuid or NULL: left out)
-- locks: none
SELECT r.run_id, p.rule
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s AND p.state = 'approved'
  AND r.policy_digest = %(policy_digest)s AND r.run_id IS DISTINCT FROM %(run_id)s::uuid
  AND EXISTS (SELECT FROM lethe.plan_subject AS s
              WHERE s.run_id = p.run_id AND s.rule = p.rule AND s.outcome IS NULL)
ORDER BY r.started_at
