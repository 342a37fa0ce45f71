-- The last plan of each rule up to a day: what was found, whoever it stops.
-- identifiers: none
-- values: policy_name (text), last (date)
-- locks: none
SELECT DISTINCT ON (p.rule) p.rule, p.clause, p.cluster, p.subject_kind, r.as_of, p.state,
       p.planned, p.counts, p.oldest_on, p.newest_on
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s AND r.as_of <= %(last)s
ORDER BY p.rule, r.as_of DESC, r.started_at DESC
