-- Take back what an earlier check of the same run's inputs stopped.
-- identifiers: none
-- values: run_id (uuid)
-- locks: the rows of the rules
UPDATE lethe.plan_rule AS p
SET state = 'planned', over_limit = NULL, flags = p.flags - 'stopped_by'
FROM lethe.run AS r
WHERE p.run_id = %(run_id)s AND p.state = 'stopped' AND p.flags ? 'stopped_by'
  AND r.run_id = p.run_id AND r.state IN ('planned', 'running')
