-- Frozen sets that wait for a person's answer, of whichever policy.
-- identifiers: none
-- values: none
-- locks: none
SELECT run_id, rule FROM lethe.plan_rule WHERE state = 'waiting'
