-- The sweeps of a policy that a period saw: planned for one of its days, or worked on within it.
-- identifiers: none
-- values: policy_name (text), first, last (date)
-- locks: none
SELECT r.run_id, r.name, r.policy_version, r.policy_digest, r.as_of, r.requested_by, r.started_at,
       r.finished_at, r.state, r.reason, r.sealed_seal_no, r.summary
FROM lethe.run AS r
WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s
  AND (r.as_of BETWEEN %(first)s AND %(last)s
       OR EXISTS (SELECT FROM lethe.ledger AS l
                  WHERE l.run_id = r.run_id AND l.kind = 'sweep_closed'
                    AND (l.payload ->> 'on')::date BETWEEN %(first)s AND %(last)s))
ORDER BY r.started_at
