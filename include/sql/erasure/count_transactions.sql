-- Count what others committed in this database so far. A batch of Lethe, whichever task or worker
-- ran it, is one commit and one row of lethe.ledger_batch; all else that an eraser does it rolls back.
-- identifiers: none
-- values: none
-- locks: none
SELECT xact_commit
       - coalesce(pg_stat_get_tuples_inserted(to_regclass('lethe.ledger_batch')), 0)
FROM pg_catalog.pg_stat_database
WHERE datname = current_database()
