-- What approvers decided in a period, about sets and editions of a policy.
-- identifiers: none
-- values: policy_name (text), begins, ends (timestamptz, end excluded)
-- locks: none
SELECT a.kind, a.rule, a.run_id, a.digest, a.decision, a.decided_by, a.decided_at
FROM lethe.approval AS a
WHERE a.decided_at >= %(begins)s AND a.decided_at < %(ends)s
  AND a.policy_digest IN (SELECT v.digest FROM lethe.policy_version AS v
                          WHERE v.name = %(policy_name)s)
ORDER BY a.decided_at
