-- Since when subjects have been refused for each reason, without a night in between that had none.
-- identifiers: none
-- values: policy_name (text), as_of (date)
-- locks: none
WITH runs AS MATERIALIZED (
    SELECT run_id, as_of, row_number() OVER (ORDER BY as_of, started_at) AS run_no
    FROM lethe.run
    WHERE kind IN ('sweep', 'archive') AND policy_name = %(policy_name)s AND as_of <= %(as_of)s
),
last AS MATERIALIZED (
    SELECT p.rule, max(r.run_no) AS run_no
    FROM lethe.plan_rule AS p
    JOIN runs AS r USING (run_id)
    GROUP BY p.rule
),
tonight AS MATERIALIZED (
    SELECT p.rule, p.clause, c.outcome, (p.counts ->> c.outcome)::bigint AS subjects
    FROM last AS l
    JOIN runs AS r USING (run_no)
    JOIN lethe.plan_rule AS p ON p.run_id = r.run_id AND p.rule = l.rule,
         jsonb_object_keys(p.counts) AS c (outcome)
    WHERE starts_with(c.outcome, 'refused: ') AND (p.counts ->> c.outcome)::bigint > 0
),
nights AS MATERIALIZED (
    SELECT DISTINCT ON (p.rule COLLATE "C", r.as_of) p.rule, r.as_of, p.counts
    FROM lethe.plan_rule AS p
    JOIN runs AS r USING (run_id)
    WHERE p.rule IN (SELECT rule FROM tonight)
    ORDER BY p.rule COLLATE "C", r.as_of, r.run_no DESC
),
broken AS MATERIALIZED (
    SELECT t.rule, t.outcome, max(n.as_of) FILTER (
        WHERE coalesce((n.counts ->> t.outcome)::bigint, 0) = 0) AS last_without
    FROM tonight AS t
    JOIN nights AS n USING (rule)
    GROUP BY t.rule, t.outcome
)
SELECT t.rule, t.clause, substr(t.outcome, 10) AS reason, t.subjects, min(n.as_of) AS since
FROM tonight AS t
JOIN broken AS b USING (rule, outcome)
JOIN nights AS n ON n.rule = t.rule AND (b.last_without IS NULL OR n.as_of > b.last_without)
GROUP BY t.rule, t.clause, t.outcome, t.subjects
ORDER BY t.rule, reason
