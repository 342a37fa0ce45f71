-- Read the newest head that the ledger tells.
-- identifiers: none
-- values: none
-- locks: none
SELECT (payload ->> 'head_no')::bigint, payload ->> 'root'
FROM lethe.ledger
WHERE kind = 'archive_appended'
ORDER BY id DESC
LIMIT 1
