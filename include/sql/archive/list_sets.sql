-- List the sets of expiry in some state, oldest first.
-- identifiers: none
-- values: policy_name, state (text), policy_digest (bytea)
-- locks: none
SELECT r.run_id, p.rule, r.as_of, r.requested_by, r.started_at, p.planned, p.oldest_on, p.newest_on,
       p.over_limit, p.digest, p.clause
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE r.kind = 'archive' AND r.policy_name = %(policy_name)s
  AND r.policy_digest = %(policy_digest)s AND p.state = %(state)s
ORDER BY r.started_at, p.rule COLLATE "C"
