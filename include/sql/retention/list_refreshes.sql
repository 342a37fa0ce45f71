-- What became of the refresh of views after the sweeps of a policy, oldest first.
-- identifiers: none
-- values: policy_name (text), last (date)
-- locks: none
SELECT r.run_id, r.as_of, l.kind, l.payload
FROM lethe.run AS r
JOIN lethe.ledger AS l ON l.run_id = r.run_id AND l.kind IN ('view_refreshed', 'view_not_refreshed')
WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s AND r.as_of <= %(last)s
  AND r.as_of > %(last)s - 400
ORDER BY l.id
