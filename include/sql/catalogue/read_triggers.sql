-- Name the triggers that somebody made; those of constraints and the copies on partitions left out.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    t.tgrelid AS relation,
    t.tgname AS name,
    quote_ident(fn.nspname) || '.' || quote_ident(f.proname) AS function,
    CASE
        WHEN t.tgtype::integer & 64 > 0 THEN 'instead of'
        WHEN t.tgtype::integer & 2 > 0 THEN 'before'
        ELSE 'after'
    END AS timing,
    array_remove(ARRAY[
        CASE WHEN t.tgtype::integer & 4 > 0 THEN 'insert' END,
        CASE WHEN t.tgtype::integer & 16 > 0 THEN 'update' END,
        CASE WHEN t.tgtype::integer & 8 > 0 THEN 'delete' END,
        CASE WHEN t.tgtype::integer & 32 > 0 THEN 'truncate' END
    ], NULL) AS events,
    t.tgtype::integer & 1 > 0 AS for_each_row,
    ARRAY(
        SELECT a.attname::text
        FROM pg_attribute AS a
        WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::smallint[])
        ORDER BY a.attnum
    ) AS columns,
    t.tgqual IS NOT NULL AS has_condition,
    t.tgenabled AS firing
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_proc AS f ON f.oid = t.tgfoid
JOIN pg_namespace AS fn ON fn.oid = f.pronamespace
WHERE NOT t.tgisinternal
  AND t.tgparentid = 0
  AND n.nspname !~ '^pg_'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", t.tgname COLLATE "C"
