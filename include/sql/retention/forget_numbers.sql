-- Take subjects out of a frozen set.
-- identifiers: none
-- values: run_id (uuid), rule (text), numbers (bigint[])
-- locks: the deleted rows
DELETE FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s AND subject_no = ANY(%(numbers)s)
