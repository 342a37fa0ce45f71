-- Supersede rules of a run of which nothing was worked on.
-- identifiers: none
-- values: run_id (uuid), rules (text[])
-- locks: the rows of the rules
UPDATE lethe.plan_rule
SET state = 'superseded'
WHERE run_id = %(run_id)s AND rule = ANY(%(rules)s) AND state = 'planned'
