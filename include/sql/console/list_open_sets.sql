-- List the frozen sets, of the sweep and of the archive's expiry, that wait for a person or are
-- approved and not worked off yet, with the latest decision about each.
-- identifiers: none
-- values: policy_name (text)
-- locks: none
SELECT r.run_id, p.rule, p.state, p.cluster, p.clause, p.subject_kind, r.as_of, r.policy_version,
       r.policy_digest, r.requested_by, r.started_at,
       CASE WHEN r.kind = 'archive' THEN p.planned
            ELSE coalesce((p.counts ->> 'due')::bigint, 0) END,
       p.oldest_on, p.newest_on, p.usual::float8, coalesce(p.over_limit, ''), p.flags, p.digest,
       a.decision, a.decided_by, a.decided_at, a.reason
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
LEFT JOIN LATERAL (
    SELECT decision, decided_by, decided_at, reason
    FROM lethe.approval
    WHERE kind = 'plan' AND digest = p.digest AND policy_digest = r.policy_digest
      AND run_id = p.run_id
    ORDER BY decided_at DESC
    LIMIT 1
) AS a ON true
WHERE p.state IN ('waiting', 'approved') AND p.digest IS NOT NULL
  AND r.kind IN ('sweep', 'archive') AND r.policy_name = %(policy_name)s
ORDER BY r.started_at DESC, p.rule COLLATE "C"
