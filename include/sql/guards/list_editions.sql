-- List the editions of the policy in the order in which they were seen, each with the latest
-- decision about it; who decided is taken from lethe.approval, which only the approver adds to.
-- identifiers: none
-- values: none
-- locks: none
SELECT v.digest, v.name, v.version, v.effective_from, v.first_seen_at, v.announced_on, v.source,
       v.diff, a.decision, a.digest, a.decided_by, a.decided_at
FROM lethe.policy_version AS v
LEFT JOIN LATERAL (
    SELECT p.decision, p.digest, p.decided_by, p.decided_at
    FROM lethe.approval AS p
    WHERE p.kind = 'policy' AND p.policy_digest = v.digest
    ORDER BY p.decided_at DESC
    LIMIT 1
) AS a ON true
ORDER BY v.first_seen_at, v.digest
