-- List the heads that the ledger tells.
-- identifiers: none
-- values: none
-- locks: none
SELECT (payload ->> 'head_no')::bigint, (payload ->> 'tree_size')::bigint, payload ->> 'root'
FROM lethe.ledger
WHERE kind = 'archive_appended'
