-- Count the blocks of a table; of one in parts, those of its longest part.
-- identifiers: none
-- values: schema (text), table (text)
-- locks: none
SELECT coalesce(max(pg_relation_size(t.relid) / current_setting('block_size')::bigint), 0)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace,
       LATERAL (SELECT c.oid UNION SELECT p.relid FROM pg_partition_tree(c.oid) AS p
                 UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid
       ) AS t (relid)
 WHERE n.nspname = %(schema)s
   AND c.relname = %(table)s
