-- Write how far a rule of a run has come.
-- identifiers: none
-- values: run_id (uuid), rule, state, over_limit (text)
-- locks: the row of the rule
UPDATE lethe.plan_rule
SET state = %(state)s, over_limit = coalesce(%(over_limit)s, over_limit)
WHERE run_id = %(run_id)s AND rule = %(rule)s
