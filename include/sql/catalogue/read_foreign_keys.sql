-- Name every foreign key once: what PostgreSQL repeats for partitions is left out.
-- NOT ENFORCED came with PostgreSQL 18; the detour over jsonb reads the column where there is one.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    k.conname AS "constraint",
    k.conrelid AS child,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(k.conkey) WITH ORDINALITY AS c (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.attnum
        ORDER BY c.place
    ) AS child_columns,
    k.confrelid AS parent,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(k.confkey) WITH ORDINALITY AS c (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = c.attnum
        ORDER BY c.place
    ) AS parent_columns,
    k.confdeltype AS on_delete,
    k.confupdtype AS on_update,
    k.condeferrable AS deferrable,
    k.condeferred AS initially_deferred,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(coalesce(k.confdelsetcols, k.conkey)) WITH ORDINALITY AS c (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.attnum
        WHERE k.confdeltype IN ('n', 'd')
        ORDER BY c.place
    ) AS set_columns,
    k.confmatchtype = 'f' AS match_full,
    k.convalidated AS validated,
    coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS enforced
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND n.nspname !~ '^pg_'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C"
