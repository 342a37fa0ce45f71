-- Begin a run that is rolled back in any case.
-- identifiers: none
-- values: run_id (uuid), as_of (date)
-- locks: the new row
INSERT INTO lethe.run (run_id, kind, policy_name, policy_version, policy_digest, as_of)
VALUES (%(run_id)s, 'rehearsal', '', '', sha256(''), %(as_of)s)
ON CONFLICT (run_id) DO NOTHING
