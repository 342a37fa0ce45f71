-- Write what is left of a rule's frozen set after some were found in an open plan.
-- identifiers: none
-- values: run_id (uuid), rule (text), covered (bigint), digest (bytea)
-- locks: the row of the rule
UPDATE lethe.plan_rule AS p
SET digest = %(digest)s, oldest_on = s.oldest_on, newest_on = s.newest_on,
    counts = p.counts || jsonb_build_object(
        'due', (p.counts ->> 'due')::bigint - %(covered)s,
        'in an open plan',
        %(covered)s + coalesce((p.counts ->> 'in an open plan')::bigint, 0))
FROM (SELECT min(due_on) AS oldest_on, max(due_on) AS newest_on
      FROM lethe.plan_subject
      WHERE run_id = %(run_id)s AND rule = %(rule)s) AS s
WHERE p.run_id = %(run_id)s AND p.rule = %(rule)s
