-- Stop a rule of a run because what it would act on is not what the policy says.
-- identifiers: none
-- values: run_id (uuid), rule, reason (text)
-- locks: the row of the rule
UPDATE lethe.plan_rule
SET state = 'stopped', over_limit = %(reason)s, flags = flags || jsonb_build_object('stopped_by', 'inputs')
WHERE run_id = %(run_id)s AND rule = %(rule)s AND state = 'planned'
