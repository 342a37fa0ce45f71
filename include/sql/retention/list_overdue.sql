-- The oldest subject of each rule that is due and not erased: in the last plan of the rule and in
-- approved sets that are not worked off, the first that nobody has decided about or that was set aside;
-- and the oldest whom the closing found kept by something that nobody has decided (`kept_since`).
-- identifiers: none
-- values: policy_name (text)
-- locks: none
WITH runs AS MATERIALIZED (
    SELECT run_id, row_number() OVER (ORDER BY started_at, run_id) AS run_no
    FROM lethe.run
    WHERE kind = 'sweep' AND policy_name = %(policy_name)s
      AND started_at > now() - interval '400 days'
),
last AS MATERIALIZED (
    SELECT p.rule, max(r.run_no) AS run_no
    FROM lethe.plan_rule AS p
    JOIN runs AS r USING (run_id)
    WHERE p.state <> 'superseded'
    GROUP BY p.rule
),
approved AS MATERIALIZED (
    SELECT run_id, rule FROM lethe.plan_rule WHERE state = 'approved'
)
SELECT l.rule, p.clause, p.state,
       least((p.flags ->> 'kept_since')::date,
             CASE WHEN p.state IN ('waiting', 'rejected', 'stopped') THEN p.oldest_on END,
             (SELECT min(f.due_on)
              FROM (SELECT p.run_id
                    UNION
                    SELECT a.run_id FROM approved AS a WHERE a.rule = l.rule) AS o,
                   LATERAL (
                  SELECT s.due_on FROM lethe.plan_subject AS s
                  WHERE s.run_id = o.run_id AND s.rule = l.rule
                    AND (s.outcome IS NULL OR s.outcome = 'quarantined')
                  ORDER BY s.subject_no LIMIT 1) AS f)
       ) AS oldest_on,
       coalesce((SELECT sum(c.value::bigint) FROM jsonb_each_text(p.counts) AS c
                 WHERE starts_with(c.key, 'quarantined: ')), 0)::bigint AS quarantined
FROM last AS l
JOIN runs AS r USING (run_no)
JOIN lethe.plan_rule AS p ON p.run_id = r.run_id AND p.rule = l.rule
ORDER BY l.rule COLLATE "C"
