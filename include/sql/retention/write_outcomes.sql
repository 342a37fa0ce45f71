-- Write the outcome of a rule beside what was planned.
-- identifiers: none
-- values: run_id (uuid), rule, state (text), counts, flags (jsonb)
-- locks: the row of the rule
UPDATE lethe.plan_rule
SET state = %(state)s, counts = counts || %(counts)s::jsonb,
    flags = flags || %(flags)s::jsonb
WHERE run_id = %(run_id)s AND rule = %(rule)s
