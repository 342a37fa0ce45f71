-- Leave the undecided subjects of a run's rules that wait for nobody to a newer run.
-- identifiers: none
-- values: run_id (uuid), reason (text)
-- locks: the rows that no worker holds
UPDATE lethe.plan_subject AS s
SET outcome = 'skipped', reason = %(reason)s, decided_at = now()
FROM (
    SELECT u.run_id, u.rule, u.subject_no
    FROM lethe.plan_subject AS u
    JOIN lethe.plan_rule AS p USING (run_id, rule)
    WHERE u.run_id = %(run_id)s AND u.outcome IS NULL AND p.state = 'planned'
    FOR UPDATE OF u SKIP LOCKED
) AS left_over
WHERE (s.run_id, s.rule, s.subject_no)
    = (left_over.run_id, left_over.rule, left_over.subject_no)
