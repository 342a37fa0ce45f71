-- The latest decision about a digest under a policy.
-- identifiers: none
-- values: digest (bytea), policy_digest (bytea)
-- locks: none
SELECT decision, decided_by, decided_at
FROM lethe.approval
WHERE digest = %(digest)s AND policy_digest = %(policy_digest)s
ORDER BY decided_at DESC
LIMIT 1
