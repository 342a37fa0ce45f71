-- Why a rule is stopped by its inputs in the newest plan that has it; no row if it is not.
-- identifiers: none
-- values: policy_name, rule (text)
-- locks: none
SELECT newest.over_limit
FROM (SELECT p.state, p.over_limit, p.flags
      FROM lethe.plan_rule AS p JOIN lethe.run AS r USING (run_id)
      WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s AND p.rule = %(rule)s
      ORDER BY r.as_of DESC, r.started_at DESC
      LIMIT 1) AS newest
WHERE newest.state = 'stopped' AND newest.flags ? 'stopped_by'
