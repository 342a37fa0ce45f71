-- Forget the keys of subjects about whom nobody needs to decide any more.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: the deleted rows
DELETE FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s AND outcome IS NOT NULL
