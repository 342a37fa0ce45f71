-- Nights in a row, up to the last one, in which the sweep erased nobody.
-- identifiers: none
-- values: policy_name (text)
-- locks: none
WITH nights AS (
    SELECT r.as_of,
           sum(coalesce((p.counts ->> 'done')::bigint, 0)) AS done
    FROM lethe.run AS r
    JOIN lethe.plan_rule AS p USING (run_id)
    WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s
      AND r.started_at > now() - interval '400 days'
      AND r.state IN ('done', 'waiting', 'superseded')
    GROUP BY r.as_of
)
SELECT count(*) FROM nights
WHERE as_of > coalesce((SELECT max(as_of) FROM nights WHERE done > 0), '-infinity'::date)
