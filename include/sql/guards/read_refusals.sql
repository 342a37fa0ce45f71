-- Since when subjects have been refused for each reason, without a night in between that had none.
-- identifiers: none
-- values: policy_name (text), as_of (date)
-- locks: none
WITH nights AS MATERIALIZED (
    SELECT DISTINCT ON (p.rule, r.as_of) p.rule, p.clause, r.as_of, p.counts
    FROM lethe.plan_rule AS p
    JOIN lethe.run AS r USING (run_id)
    WHERE r.kind IN ('sweep', 'archive') AND r.policy_name = %(policy_name)s AND r.as_of <= %(as_of)s
    ORDER BY p.rule, r.as_of, r.started_at DESC
),
tonight AS MATERIALIZED (
    SELECT n.rule, n.clause, c.outcome, (n.counts ->> c.outcome)::bigint AS subjects
    FROM (SELECT DISTINCT ON (rule) * FROM nights ORDER BY rule, as_of DESC) AS n,
         jsonb_object_keys(n.counts) AS c (outcome)
    WHERE starts_with(c.outcome, 'refused: ') AND (n.counts ->> c.outcome)::bigint > 0
),
broken AS MATERIALIZED (
    SELECT t.*, (SELECT max(n.as_of) FROM nights AS n
                 WHERE n.rule = t.rule
                   AND coalesce((n.counts ->> t.outcome)::bigint, 0) = 0) AS last_without
    FROM tonight AS t
)
SELECT b.rule, b.clause, substr(b.outcome, 10) AS reason, b.subjects,
       (SELECT min(n.as_of) FROM nights AS n
        WHERE n.rule = b.rule AND (b.last_without IS NULL OR n.as_of > b.last_without)) AS since
FROM broken AS b
ORDER BY b.rule, reason
