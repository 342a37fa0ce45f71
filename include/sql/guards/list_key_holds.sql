-- List what is in force with the key that it was laid under; nobody's key itself.
-- identifiers: none
-- values: none
-- locks: none
SELECT 'hold' AS sort, hold_id AS id, subject_kind, query_name, owner, created_at, key_parts, key_of
FROM lethe.hold WHERE released_at IS NULL
UNION ALL
SELECT 'restriction', restriction_id, subject_kind, query_name, owner, created_at, key_parts, key_of
FROM lethe.restriction WHERE released_at IS NULL
ORDER BY created_at, id
