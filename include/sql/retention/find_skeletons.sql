-- Say whether Lethe's list of skeletons is there and readable.
-- identifiers: none
-- values: none
-- locks: none
SELECT coalesce(
    has_schema_privilege('lethe', 'USAGE')
    AND has_table_privilege(to_regclass('lethe.skeleton'), 'SELECT'),
    false
) AS skeletons
FROM pg_namespace
WHERE nspname = 'lethe'
