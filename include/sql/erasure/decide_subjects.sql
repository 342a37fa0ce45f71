-- Write the outcome of claimed subjects.
-- identifiers: none
-- values: run_id (uuid), rule (text), numbers (bigint[]), outcomes (text[]), reasons (text[])
-- locks: row locks on the frozen rows, until the transaction ends
--
-- The numbers stand here twice so that the key finds the rows: of a set frozen a moment ago there
-- are no statistics, and a join alone would read all of it for every batch.
UPDATE lethe.plan_subject AS p
SET outcome = d.outcome, reason = d.reason, decided_at = now()
FROM unnest(%(numbers)s::bigint[], %(outcomes)s::text[], %(reasons)s::text[])
     AS d(subject_no, outcome, reason)
WHERE p.run_id = %(run_id)s AND p.rule = %(rule)s AND p.subject_no = ANY(%(numbers)s::bigint[])
  AND p.subject_no = d.subject_no
