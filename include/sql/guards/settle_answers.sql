-- Carry decisions over to the sets that wait for them; one that nobody answered in time is rejected.
-- A decision is about the set of one run: carried to an older set of the same digest, which the
-- newer plan supersedes, it would be worked off twice, at twice the cap.
-- identifiers: none
-- values: policy_name (text), expired_before (timestamptz), late (text)
-- locks: the rows of the rules
WITH answered AS (
    SELECT p.run_id, p.rule, (
        SELECT a.decision FROM lethe.approval AS a
        WHERE a.kind = 'plan' AND a.digest = p.digest AND a.policy_digest = r.policy_digest
          AND a.run_id = p.run_id
        ORDER BY a.decided_at DESC
        LIMIT 1) AS decision
    FROM lethe.plan_rule AS p
    JOIN lethe.run AS r USING (run_id)
    WHERE p.state = 'waiting' AND r.policy_name = %(policy_name)s
)
UPDATE lethe.plan_rule AS p
SET state = CASE a.decision WHEN 'approve' THEN 'approved' ELSE 'rejected' END,
    over_limit = CASE WHEN a.decision IS NULL THEN concat_ws('; ', p.over_limit, %(late)s)
                      ELSE p.over_limit END
FROM answered AS a
JOIN lethe.run AS r USING (run_id)
WHERE p.run_id = a.run_id AND p.rule = a.rule
  AND (a.decision IS NOT NULL OR r.started_at < %(expired_before)s)
RETURNING p.run_id, p.rule, p.state
