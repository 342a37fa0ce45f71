-- Read how a rule of a run stands now, before somebody decides about it.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: none
SELECT p.state, p.digest, r.policy_digest, r.requested_by, r.started_at, now()
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE p.run_id = %(run_id)s AND p.rule = %(rule)s
