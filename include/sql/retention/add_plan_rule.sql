-- Write what a rule of a run plans.
-- identifiers: none
-- values: run_id (uuid), rule, subject_kind, cluster, clause (text), planned (bigint),
--         counts (jsonb), oldest_on, newest_on (date), digest (bytea)
-- locks: the new row
INSERT INTO lethe.plan_rule
    (run_id, rule, subject_kind, cluster, clause, planned, counts, oldest_on, newest_on, digest)
VALUES (%(run_id)s, %(rule)s, %(subject_kind)s, %(cluster)s, %(clause)s, %(planned)s, %(counts)s,
        %(oldest_on)s, %(newest_on)s, %(digest)s)
