-- Nights in a row, up to the last one, in which the sweep erased nobody. What is worked off of an
-- earlier, approved set counts for the night that closed it.
-- identifiers: none
-- values: policy_name (text)
-- locks: none
WITH runs AS (
    SELECT r.as_of, greatest(r.as_of, r.finished_at::date) AS worked_on,
           sum(coalesce((p.counts ->> 'done')::bigint, 0)) AS done
    FROM lethe.run AS r
    JOIN lethe.plan_rule AS p USING (run_id)
    WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s
      AND r.started_at > now() - interval '400 days'
      AND r.state IN ('done', 'waiting', 'superseded')
    GROUP BY r.run_id
)
SELECT count(DISTINCT as_of) FROM runs
WHERE as_of > coalesce((SELECT max(worked_on) FROM runs WHERE done > 0), '-infinity'::date)
