-- Count the frozen subjects of a rule by outcome and reason, with the oldest due day of each;
-- undecided ones have no outcome.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: none
SELECT outcome, reason, count(*), min(due_on)
FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s
GROUP BY outcome, reason
