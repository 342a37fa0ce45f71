-- Say which database this is, and as whom we read it.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    current_setting('server_version_num')::integer AS server_version_num,
    current_database()::text AS database,
    current_user::text AS role,
    pg_is_in_recovery() AS is_standby,
    EXISTS (SELECT FROM pg_largeobject_metadata) AS has_large_objects
