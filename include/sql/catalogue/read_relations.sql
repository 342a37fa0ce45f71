-- Name every table, partition, foreign table and view of the users' schemas, with its rights.
-- Sizes come from pg_class and partition keys from their columns: pg_total_relation_size and
-- pg_get_partkeydef would wait for whoever holds a table exclusively.
-- identifiers: none
-- values: ignore_schemas (text[])
-- locks: none
WITH index_pages AS (
    SELECT i.indrelid AS relation, sum(c.relpages)::bigint AS pages
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    GROUP BY i.indrelid
)
SELECT
    c.oid,
    n.nspname AS schema,
    c.relname AS name,
    n.nspname = ANY (%(ignore_schemas)s::text[]) AS is_ignored,
    c.relkind AS kind,
    c.relispartition AS is_partition,
    c.relpersistence = 'u' AS is_unlogged,
    CASE
        WHEN c.reltuples >= 0 THEN c.reltuples::bigint
        WHEN c.relkind IN ('r', 'm') THEN nullif(pg_stat_get_live_tuples(c.oid), 0)
    END AS row_estimate,
    (
        c.relpages::bigint
        + coalesce(own.pages, 0)
        + coalesce(toast.relpages, 0)
        + coalesce(toast_index.pages, 0)
    ) * current_setting('block_size')::bigint AS size_bytes,
    c.relrowsecurity AS rls_enabled,
    c.relforcerowsecurity AS rls_forced,
    c.relrowsecurity AND row_security_active(c.oid) AS rls_filters_us,
    c.relispopulated AS is_populated,
    c.relreplident AS replica_identity,
    (
        SELECT
            CASE p.partstrat WHEN 'r' THEN 'RANGE' WHEN 'l' THEN 'LIST' ELSE 'HASH' END
            || ' ('
            || string_agg(coalesce(quote_ident(a.attname), '(expression)'), ', ' ORDER BY k.place)
            || ')'
        FROM pg_partitioned_table AS p
        CROSS JOIN LATERAL unnest(p.partattrs::smallint[]) WITH ORDINALITY AS k (attnum, place)
        LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
        WHERE p.partrelid = c.oid
        GROUP BY p.partstrat
    ) AS partition_key,
    ARRAY(
        SELECT a.attname::text
        FROM pg_partitioned_table AS p
        CROSS JOIN LATERAL unnest(p.partattrs::smallint[]) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE p.partrelid = c.oid
        ORDER BY k.place
    ) AS partition_columns,
    server.srvname AS foreign_server,
    extension.extname AS extension,
    array_remove(ARRAY[
        CASE WHEN has_schema_privilege(n.oid, 'USAGE') THEN 'usage' END,
        CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN 'select' END,
        CASE WHEN has_table_privilege(c.oid, 'INSERT') THEN 'insert' END,
        CASE WHEN has_table_privilege(c.oid, 'UPDATE') THEN 'update' END,
        CASE WHEN has_table_privilege(c.oid, 'DELETE') THEN 'delete' END
    ], NULL) AS rights
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN index_pages AS own ON own.relation = c.oid
LEFT JOIN pg_class AS toast ON toast.oid = c.reltoastrelid
LEFT JOIN index_pages AS toast_index ON toast_index.relation = c.reltoastrelid
LEFT JOIN pg_foreign_table AS ft ON ft.ftrelid = c.oid
LEFT JOIN pg_foreign_server AS server ON server.oid = ft.ftserver
LEFT JOIN pg_depend AS owned
    ON owned.classid = 'pg_class'::regclass
    AND owned.objid = c.oid
    AND owned.objsubid = 0
    AND owned.refclassid = 'pg_extension'::regclass
    AND owned.deptype = 'e'
LEFT JOIN pg_extension AS extension ON extension.oid = owned.refobjid
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
