-- Forget of a frozen set whoever stands in an approved set of an earlier plan, which is worked off.
-- Windows, not joins by key: of sets frozen a moment ago there are no statistics.
-- identifiers: none
-- values: run_id (uuid), rule (text), policy_digest (bytea)
-- locks: the deleted rows
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
seen AS (
    SELECT s.run_id, s.subject_no,
           bool_or(s.run_id <> %(run_id)s) OVER (PARTITION BY s.key) AS is_open
    FROM plans
    JOIN lethe.plan_subject AS s USING (run_id)
    WHERE s.rule = %(rule)s AND s.outcome IS NULL
)
DELETE FROM lethe.plan_subject AS n
USING seen AS o
WHERE n.run_id = %(run_id)s AND n.rule = %(rule)s AND n.outcome IS NULL
  AND o.run_id = n.run_id AND o.subject_no = n.subject_no AND o.is_open
