-- Count the frozen subjects of a rule by outcome and reason; undecided ones have no outcome.
-- identifiers: none
-- values: run_id (uuid), rule (text)
-- locks: none
SELECT outcome, reason, count(*)
FROM lethe.plan_subject
WHERE run_id = %(run_id)s AND rule = %(rule)s
GROUP BY outcome, reason
