-- List the named queries on which a hold or restriction is in force.
-- identifiers: none
-- values: none
-- locks: none
SELECT 'hold' AS sort, subject_kind, query_name FROM lethe.hold
WHERE query_name IS NOT NULL AND released_at IS NULL
UNION
SELECT 'restriction', subject_kind, query_name FROM lethe.restriction
WHERE query_name IS NOT NULL AND released_at IS NULL
ORDER BY 1, 2, 3
