-- When the logs were last done, up to a day; and how many pieces failed in the newest run of a period.
-- identifiers: none
-- values: policy_name (text), first, last (date)
-- locks: none
SELECT max(r.finished_at) FILTER (WHERE r.state = 'done'),
       coalesce((array_agg((r.summary ->> 'failed')::integer ORDER BY r.started_at DESC)
                 FILTER (WHERE r.as_of >= %(first)s AND r.state IN ('done', 'failed')))[1], 0)
FROM lethe.run AS r
WHERE r.kind = 'logs' AND r.policy_name = %(policy_name)s AND r.as_of <= %(last)s
