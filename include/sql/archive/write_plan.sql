-- Write what expiry plans in a run; planned again, it is what was planned last.
-- identifiers: none
-- values: run_id (uuid), rule, kind, clause (text), planned (bigint), counts (jsonb),
--         oldest_on, newest_on (date), digest (bytea), state, over_limit (text)
-- locks: the row
INSERT INTO lethe.plan_rule AS p (run_id, rule, subject_kind, clause, planned, counts, oldest_on,
    newest_on, digest, state, over_limit)
VALUES (%(run_id)s, %(rule)s, %(kind)s, %(clause)s, %(planned)s, %(counts)s, %(oldest_on)s,
    %(newest_on)s, %(digest)s, %(state)s, %(over_limit)s)
ON CONFLICT (run_id, rule) DO UPDATE
SET planned = excluded.planned, counts = excluded.counts, oldest_on = excluded.oldest_on,
    newest_on = excluded.newest_on, digest = excluded.digest, state = excluded.state,
    over_limit = excluded.over_limit
