-- Count the transactions of others that ended in this database so far. A batch of Lethe, whichever
-- task or worker ran it, is one transaction and one row of lethe.ledger_batch.
-- identifiers: none
-- values: none
-- locks: none
SELECT xact_commit + xact_rollback
       - coalesce(pg_stat_get_tuples_inserted(to_regclass('lethe.ledger_batch')), 0)
FROM pg_catalog.pg_stat_database
WHERE datname = current_database()
