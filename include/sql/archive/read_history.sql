-- Documents that expiry planned in its last nights, newest first.
-- identifiers: none
-- values: policy_name (text), rule (text), before (date), nights (integer)
-- locks: none
SELECT DISTINCT ON (r.as_of) r.as_of, p.planned
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE r.kind = 'archive' AND r.policy_name = %(policy_name)s AND p.rule = %(rule)s
  AND r.as_of < %(before)s AND r.state IN ('done', 'waiting')
ORDER BY r.as_of DESC, r.started_at DESC
LIMIT %(nights)s
