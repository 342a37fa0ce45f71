-- Subjects that a night erased of sets that were approved earlier, by rule.
-- identifiers: none
-- values: policy_name (text), night (uuid: the run of that night)
-- locks: none
SELECT l.payload ->> 'rule', sum((l.payload ->> 'done')::bigint)::bigint
FROM lethe.run AS night
JOIN lethe.run AS r ON r.kind = 'sweep' AND r.policy_name = %(policy_name)s
    AND r.run_id <> night.run_id AND r.as_of <= night.as_of AND r.as_of > night.as_of - 400
JOIN lethe.ledger AS l ON l.run_id = r.run_id AND l.kind = 'batch_done'
WHERE night.run_id = %(night)s AND l.payload ->> 'night' = %(night)s::text
GROUP BY 1
ORDER BY 1
