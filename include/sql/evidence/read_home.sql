-- Read which database of which cluster this is, and on which timeline it writes.
-- identifiers: none
-- values: none
-- locks: none
SELECT c.system_identifier::text, d.oid::bigint, d.datname::text,
       left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
FROM pg_control_system() AS c, pg_database AS d
WHERE d.datname = current_database()
