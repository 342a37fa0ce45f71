-- Find the token under which the ledger knows the subject of a hold.
-- identifiers: none
-- values: kind (text), id (text)
-- locks: none
SELECT subject_token, key_id
FROM lethe.ledger
WHERE run_id IS NULL AND kind = %(kind)s AND payload ->> 'id' = %(id)s
LIMIT 1
