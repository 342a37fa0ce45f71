-- Stop a rule of a run: what it would act on is not what the policy says, or a hold has no force.
-- identifiers: none
-- values: run_id (uuid), rule, reason, by ('inputs' or 'holds') (text)
-- locks: the row of the rule
UPDATE lethe.plan_rule
SET state = 'stopped', over_limit = %(reason)s,
    flags = flags || jsonb_build_object('stopped_by', %(by)s::text)
WHERE run_id = %(run_id)s AND rule = %(rule)s AND state = 'planned'
