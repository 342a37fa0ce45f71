-- List the newest runs of every duty.
-- identifiers: none
-- values: policy_name (text), most (integer)
-- locks: none
SELECT run_id, kind, name, policy_version, as_of, requested_by, started_at, finished_at, state,
       reason, sealed_seal_no
FROM lethe.run
WHERE policy_name = %(policy_name)s
ORDER BY started_at DESC
LIMIT %(most)s
