-- Let a newer plan of expiry take the place of those that nobody decided about.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: the rows
UPDATE lethe.plan_rule AS p
SET state = 'superseded'
FROM lethe.run AS r
WHERE r.run_id = p.run_id AND r.kind = 'archive' AND p.rule = %(rule)s AND p.run_id <> %(run_id)s
  AND p.state IN ('waiting', 'planned')
