-- Find a sweep without a name, of the same day and policy, that broke off: the newest.
-- identifiers: none
-- values: policy_name (text), policy_digest (bytea), as_of (date), rules (text[])
-- locks: none
SELECT r.run_id
FROM lethe.run AS r
WHERE r.kind = 'sweep' AND r.name IS NULL AND r.state IN ('planned', 'running')
  AND r.policy_name = %(policy_name)s AND r.policy_digest = %(policy_digest)s
  AND r.as_of = %(as_of)s
  AND ARRAY(SELECT p.rule FROM lethe.plan_rule AS p WHERE p.run_id = r.run_id ORDER BY 1)
      = ARRAY(SELECT unnest(%(rules)s::text[]) ORDER BY 1)
ORDER BY r.started_at DESC
LIMIT 1
