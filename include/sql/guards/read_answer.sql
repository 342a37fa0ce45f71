-- The latest decision about the set of one run.
-- identifiers: none
-- values: run_id (uuid), digest (bytea), policy_digest (bytea)
-- locks: none
SELECT decision, decided_by, decided_at
FROM lethe.approval
WHERE digest = %(digest)s AND policy_digest = %(policy_digest)s AND run_id = %(run_id)s
ORDER BY decided_at DESC
LIMIT 1
