-- Forget the work lists that older runs of the archive left, but for what was approved of them; what
-- is missing is found again.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: the deleted rows
DELETE FROM lethe.plan_subject AS s
USING lethe.run AS r
WHERE r.run_id = s.run_id AND r.kind = 'archive' AND s.rule = %(rule)s AND s.run_id <> %(run_id)s
  AND NOT EXISTS (SELECT FROM lethe.plan_rule AS p
                  WHERE p.run_id = s.run_id AND p.rule = s.rule AND p.state = 'approved')
