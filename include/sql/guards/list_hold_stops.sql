-- Rules that the newest plan stopped because a hold has no force, and why.
-- identifiers: none
-- values: policy_name (text), last (date: no later plan)
-- locks: none
SELECT p.rule, p.over_limit
FROM lethe.plan_rule AS p
WHERE p.state = 'stopped' AND p.flags ->> 'stopped_by' = 'holds'
  AND p.run_id = (SELECT r.run_id FROM lethe.run AS r
                  WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s AND r.as_of <= %(last)s
                  ORDER BY r.as_of DESC, r.started_at DESC LIMIT 1)
ORDER BY p.rule COLLATE "C"
