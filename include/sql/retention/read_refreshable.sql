-- Whether a materialised view can be refreshed beside its readers, and whether it holds anything yet.
-- identifiers: none
-- values: schema, name (text)
-- locks: none
SELECT c.relispopulated AND EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind = 'm'
