-- Keep beside a rule of a run what a person is shown about it: counts only.
-- identifiers: none
-- values: run_id (uuid), rule (text), usual (numeric), flags (jsonb)
-- locks: the row of the rule
UPDATE lethe.plan_rule
SET usual = %(usual)s, flags = flags || %(flags)s::jsonb
WHERE run_id = %(run_id)s AND rule = %(rule)s
