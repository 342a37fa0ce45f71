-- The frozen subjects of a rule.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: none
SELECT subject_no, key
FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s
