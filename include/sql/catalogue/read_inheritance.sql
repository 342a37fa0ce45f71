-- Say which relation is a partition or an heir of which.
-- identifiers: none
-- values: none
-- locks: none (pg_get_expr would lock the partition if it were named; a bound needs no name)
SELECT
    i.inhrelid AS child,
    i.inhparent AS parent,
    CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, 0) END AS bound
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f')
  AND n.nspname !~ '^pg_'
ORDER BY i.inhrelid, i.inhseqno
