-- Frozen sets that wait for an answer, were approved and are not worked off, or were refused.
-- identifiers: none
-- values: policy_name (text), first, last (date)
-- locks: none
SELECT r.run_id, p.rule, p.clause, p.state, r.as_of, r.started_at, p.counts, p.oldest_on,
       p.newest_on, p.usual, p.over_limit, p.flags, p.digest
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s AND r.as_of <= %(last)s
  AND (p.state = 'waiting' OR p.state = 'rejected' AND r.as_of >= %(first)s
       OR p.state = 'approved' AND (p.counts ->> 'due')::bigint > coalesce(
           (SELECT sum(c.value::bigint) FROM jsonb_each_text(p.counts) AS c
            WHERE c.key = 'done' OR c.key ~ '^(skipped|quarantined): '), 0))
ORDER BY r.started_at, p.rule COLLATE "C"
