-- Subjects that a rule has erased for the night of a day, or since an instant for whatever night,
-- over all runs; and those of them that were not erased by the night of one run.
-- identifiers: none
-- values: policy_name (text), rule (text), day (date), since (timestamptz or NULL), night (uuid or NULL)
-- locks: none
SELECT coalesce(sum((l.payload ->> 'done')::bigint), 0)::bigint AS erased,
       coalesce(sum((l.payload ->> 'done')::bigint)
                FILTER (WHERE l.payload ->> 'night' IS DISTINCT FROM %(night)s::text), 0)::bigint
           AS by_others
FROM lethe.run AS r
JOIN lethe.ledger AS l ON l.run_id = r.run_id AND l.kind = 'batch_done'
WHERE r.kind = 'sweep' AND r.policy_name = %(policy_name)s
  AND l.payload ->> 'rule' = %(rule)s
  AND ((r.as_of <= %(day)s AND r.as_of > %(day)s - 400 AND l.payload ->> 'on' = %(day)s::text)
       OR ((r.state = 'running' OR r.finished_at >= %(since)s) AND l.at >= %(since)s))
