-- The oldest subject of each rule that is due and not erased: in the last plan of the rule and in
-- approved sets that are not worked off, the first that nobody has decided about or that was set aside.
-- identifiers: none
-- values: policy_name (text)
-- locks: none
WITH rules AS (
    SELECT DISTINCT p.rule
    FROM lethe.plan_rule AS p
    JOIN lethe.run AS r USING (run_id)
    WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s
      AND r.started_at > now() - interval '400 days'
)
SELECT u.rule, l.clause, l.state,
       least(CASE WHEN l.state IN ('waiting', 'rejected', 'stopped') THEN l.oldest_on END,
             (SELECT min(f.due_on) FROM lethe.plan_rule AS p, LATERAL (
                  SELECT s.due_on FROM lethe.plan_subject AS s
                  WHERE s.run_id = p.run_id AND s.rule = p.rule
                    AND (s.outcome IS NULL OR s.outcome = 'quarantined')
                  ORDER BY s.subject_no LIMIT 1) AS f
              WHERE p.rule = u.rule AND (p.run_id = l.run_id OR p.state = 'approved'))
       ) AS oldest_on,
       coalesce((SELECT sum(c.value::bigint) FROM jsonb_each_text(l.counts) AS c
                 WHERE starts_with(c.key, 'quarantined: ')), 0)::bigint AS quarantined
FROM rules AS u
CROSS JOIN LATERAL (
    SELECT p.run_id, p.clause, p.state, p.oldest_on, p.counts
    FROM lethe.plan_rule AS p
    JOIN lethe.run AS r USING (run_id)
    WHERE p.rule = u.rule AND r.kind = 'sweep' AND r.policy_name = %(policy_name)s
      AND p.state <> 'superseded' AND r.started_at > now() - interval '400 days'
    ORDER BY r.started_at DESC
    LIMIT 1
) AS l
ORDER BY u.rule COLLATE "C"
