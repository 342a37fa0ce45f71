-- Find the first leaf that a run of the archive appended.
-- identifiers: none
-- values: run_id (uuid)
-- locks: none
SELECT coalesce((SELECT tree_size FROM lethe.archive_head WHERE head_no = a.head_no - 1), 0)
FROM (SELECT min((payload ->> 'head_no')::bigint) AS head_no
      FROM lethe.ledger
      WHERE run_id = %(run_id)s AND kind = 'archive_appended') AS a
WHERE a.head_no IS NOT NULL
