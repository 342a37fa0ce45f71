-- Claim records of the frozen set, oldest first.
-- identifiers: none
-- values: run_id (uuid), rule (text), size (bigint)
-- locks: row locks on the frozen rows, until the transaction ends
SELECT subject_no, key[1]::bigint, due_on
FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s AND outcome IS NULL
ORDER BY subject_no
LIMIT %(size)s
FOR UPDATE SKIP LOCKED
