-- Rules that wait for an approval, and since when, longest first.
-- identifiers: none
-- values: policy_name (text)
-- locks: none
SELECT p.rule, r.started_at
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE p.state = 'waiting' AND r.kind = 'sweep' AND r.policy_name = %(policy_name)s
ORDER BY r.started_at, p.rule COLLATE "C"
