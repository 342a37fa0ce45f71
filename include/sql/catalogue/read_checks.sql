-- Name the CHECK constraints of every table, partitions left out.
-- Their text is not asked: pg_get_constraintdef would wait for whoever holds a table exclusively.
-- identifiers: none
-- values: ignore_schemas (text[])
-- locks: none
SELECT
    k.conrelid AS relation,
    k.conname AS name,
    ARRAY(
        SELECT a.attname::text
        FROM pg_attribute AS a
        WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
        ORDER BY a.attnum
    ) AS columns
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'c'
  AND NOT c.relispartition
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
  AND n.nspname <> ALL (%(ignore_schemas)s::text[])
ORDER BY k.conrelid, k.conname COLLATE "C"
