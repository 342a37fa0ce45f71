-- Name the subjects of a rule that were erased.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: none
SELECT subject_no
FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s AND outcome = 'done'
ORDER BY subject_no
