-- Name the subscriptions of this database; how they connect is for superusers and not asked.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    s.subname AS name,
    s.subenabled AS enabled,
    ARRAY(
        SELECT sr.srrelid::bigint FROM pg_subscription_rel AS sr WHERE sr.srsubid = s.oid
    ) AS relations
FROM pg_subscription AS s
JOIN pg_database AS d ON d.oid = s.subdbid
WHERE d.datname = current_database()
ORDER BY s.subname COLLATE "C"
