-- Who asked by hand for a run that froze one of these sets.
-- identifiers: none
-- values: digests (bytea[])
-- locks: none
SELECT DISTINCT r.requested_by
FROM lethe.plan_rule AS p
JOIN lethe.run AS r USING (run_id)
WHERE p.digest = ANY(%(digests)s::bytea[]) AND r.requested_by IS NOT NULL
