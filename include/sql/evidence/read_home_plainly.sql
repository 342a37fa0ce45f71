-- Read which database this is, where a server tells nothing of its cluster.
-- identifiers: none
-- values: none
-- locks: none
SELECT NULL, oid::bigint, datname::text, NULL FROM pg_database WHERE datname = current_database()
