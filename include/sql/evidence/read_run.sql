-- Read a run.
-- identifiers: none
-- values: run_id (uuid)
-- locks: none
SELECT run_id, kind, name, policy_name, policy_version, policy_digest, as_of, requested_by, state,
       reason, started_at, finished_at, sealed_seal_no, summary
FROM lethe.run
WHERE run_id = %(run_id)s
