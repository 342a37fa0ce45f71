-- Forget the frozen subjects of a rule that nobody will work on.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: the deleted rows
DELETE FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s
