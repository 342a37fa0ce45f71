-- Forget the work list of a capture: what is still missing is found again by the next run.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: the deleted rows
DELETE FROM lethe.plan_subject WHERE run_id = %(run_id)s AND rule = %(rule)s
