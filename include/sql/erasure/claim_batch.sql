-- Claim the oldest frozen subjects that nobody has decided about or is working on.
-- identifiers: none
-- values: run_id (uuid), rule (text), after (bigint), size (integer)
-- locks: row locks on the claimed rows, until the transaction ends
SELECT subject_no, key, due_on, starting_point
FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s AND outcome IS NULL AND subject_no > %(after)s
ORDER BY subject_no
LIMIT %(size)s
FOR UPDATE SKIP LOCKED
