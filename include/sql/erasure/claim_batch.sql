-- Claim frozen subjects, by number, that nobody has decided about or is working on.
-- identifiers: none
-- values: run_id (uuid), rule (text), numbers (bigint[])
-- locks: row locks on the claimed rows, until the transaction ends
SELECT subject_no, key, due_on, starting_point
FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s AND outcome IS NULL AND subject_no = ANY(%(numbers)s)
ORDER BY subject_no
FOR UPDATE SKIP LOCKED
