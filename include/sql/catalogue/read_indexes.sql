-- Name the indexes of every table, partitions left out.
-- identifiers: none
-- values: ignore_schemas (text[])
-- locks: none
SELECT
    i.indrelid AS relation,
    index.relname AS name,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.place <= coalesce(
            array_position(i.indkey::smallint[], 0::smallint)
                - array_lower(i.indkey::smallint[], 1),
            i.indnkeyatts
        )
        ORDER BY k.place
    ) AS columns,
    method.amname AS method,
    i.indisprimary AS is_primary,
    i.indisunique AS is_unique,
    i.indimmediate AS is_immediate,
    i.indpred IS NOT NULL AS is_partial,
    i.indexprs IS NOT NULL AS has_expressions,
    i.indisvalid AND i.indisready AND i.indislive AS is_valid
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS index ON index.oid = i.indexrelid
JOIN pg_am AS method ON method.oid = index.relam
WHERE c.relkind IN ('r', 'p')
  AND NOT c.relispartition
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
  AND n.nspname <> ALL (%(ignore_schemas)s::text[])
ORDER BY i.indrelid, i.indisprimary DESC, index.relname COLLATE "C"
