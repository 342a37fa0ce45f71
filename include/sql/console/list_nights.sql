-- List the newest nights of the sweep with their sums, newest first.
-- identifiers: none
-- values: policy_name (text), most (integer)
-- locks: none
SELECT r.run_id, r.as_of, r.state, r.reason, r.sealed_seal_no, r.started_at, r.finished_at,
       coalesce(s.erased, 0)::bigint, coalesce(s.kept, 0)::bigint, coalesce(s.waiting, 0)::bigint
FROM (
    SELECT run_id, as_of, state, reason, sealed_seal_no, started_at, finished_at, summary
    FROM lethe.run
    WHERE kind = 'sweep' AND policy_name = %(policy_name)s
      AND started_at > now() - interval '400 days'
    ORDER BY started_at DESC
    LIMIT %(most)s
) AS r
LEFT JOIN LATERAL (
    SELECT sum((e.rule ->> 'erased')::bigint) AS erased,
           sum((e.rule ->> 'undecided')::bigint) AS waiting,
           sum((SELECT sum(k.value::bigint) FROM jsonb_each_text(e.rule -> 'kept') AS k)) AS kept
    FROM jsonb_array_elements(
        CASE WHEN jsonb_typeof(r.summary -> 'rules') = 'array'
             THEN r.summary -> 'rules' ELSE '[]' END) AS e (rule)
) AS s ON true
ORDER BY r.started_at DESC
