-- List the holds and restrictions in force, those to review first; nobody's key.
-- identifiers: none
-- values: most (integer)
-- locks: none
SELECT 'hold' AS kind, hold_id AS id, subject_kind, query_name, owner, review_on, created_at
FROM lethe.hold
WHERE released_at IS NULL
UNION ALL
SELECT 'restriction', restriction_id, subject_kind, query_name, owner, review_on, created_at
FROM lethe.restriction
WHERE released_at IS NULL
ORDER BY review_on, created_at
LIMIT %(most)s
