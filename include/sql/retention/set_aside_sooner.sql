-- Skip, in approved sets of earlier plans, whom a newer plan finds due on an earlier day: that day
-- nobody approved, and the newer plan has them. Windows, not joins by key: of sets frozen a moment
-- ago there are no statistics.
-- identifiers: none
-- values: run_id (uuid of the newer plan), rule, reason (text), policy_digest (bytea)
-- locks: the rows that are skipped
WITH approved AS (
    SELECT p.run_id
    FROM lethe.plan_rule AS p
    JOIN lethe.run AS r USING (run_id)
    WHERE p.rule = %(rule)s AND p.state = 'approved' AND p.run_id <> %(run_id)s
      AND r.policy_digest = %(policy_digest)s
),
plans AS (
    SELECT run_id FROM approved UNION ALL SELECT %(run_id)s::uuid WHERE EXISTS (SELECT FROM approved)
),
dated AS (
    SELECT s.run_id, s.subject_no, s.due_on,
           min(s.due_on) FILTER (WHERE s.run_id = %(run_id)s) OVER (PARTITION BY s.key) AS now_due
    FROM plans
    JOIN lethe.plan_subject AS s USING (run_id)
    WHERE s.rule = %(rule)s AND s.outcome IS NULL
)
UPDATE lethe.plan_subject AS s
SET outcome = 'skipped', reason = %(reason)s, decided_at = now()
FROM dated AS d
WHERE s.run_id = d.run_id AND s.rule = %(rule)s AND s.subject_no = d.subject_no
  AND s.outcome IS NULL AND d.now_due < d.due_on
