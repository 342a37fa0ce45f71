-- Count the transactions that ended in this database so far, whoever's they were.
-- identifiers: none
-- values: none
-- locks: none
SELECT xact_commit + xact_rollback
FROM pg_catalog.pg_stat_database
WHERE datname = current_database()
