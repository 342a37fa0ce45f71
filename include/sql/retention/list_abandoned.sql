-- Sweeps that were begun earlier than this one, broke off, and were never taken up again.
-- identifiers: none
-- values: policy_name (text), policy_digest (bytea), run_id (uuid of the newer one)
-- locks: none
SELECT r.run_id
FROM lethe.run AS r, lethe.run AS newer
WHERE newer.run_id = %(run_id)s AND r.kind = 'sweep'
  AND (r.state = 'running'
       OR r.state = 'waiting'
          AND EXISTS (SELECT FROM lethe.plan_rule AS p
                      WHERE p.run_id = r.run_id AND p.state = 'planned'))
  AND r.policy_name = %(policy_name)s AND r.policy_digest = %(policy_digest)s
  AND r.run_id <> newer.run_id AND r.started_at < newer.started_at
ORDER BY r.started_at
