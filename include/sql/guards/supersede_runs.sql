-- Close the runs of which nothing is left to wait for.
-- identifiers: none
-- values: runs (uuid[]), reason (text)
-- locks: the rows of the runs
UPDATE lethe.run AS r
SET state = 'superseded', reason = %(reason)s, finished_at = coalesce(finished_at, now())
WHERE r.run_id = ANY(%(runs)s::uuid[]) AND r.state = 'waiting'
  AND NOT EXISTS (SELECT FROM lethe.plan_rule AS p
                  WHERE p.run_id = r.run_id AND p.state IN ('planned', 'waiting', 'approved'))
