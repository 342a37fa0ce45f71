-- Find the first head that a run of the archive signed.
-- identifiers: none
-- values: run_id (uuid)
-- locks: none
SELECT min((payload ->> 'head_no')::bigint)
FROM lethe.ledger
WHERE run_id = %(run_id)s AND kind = 'archive_appended'
