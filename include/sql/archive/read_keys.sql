-- Read by which columns the last closed night knew the documents of each kind.
-- identifiers: none
-- values: none
-- locks: none
SELECT payload -> 'keys'
FROM lethe.ledger
WHERE kind = 'archive_closed' AND payload -> 'keys' IS NOT NULL
ORDER BY id DESC
LIMIT 1
