-- Name the columns of every table and view, partitions left out, with their types.
-- A type is told as declared, and once more with every domain taken off.
-- identifiers: none
-- values: ignore_schemas (text[])
-- locks: none
WITH RECURSIVE chain AS (
    SELECT
        t.oid AS domain, t.typbasetype AS base, t.typtypmod AS typmod,
        t.typnotnull AS refuses_null, 1 AS depth
    FROM pg_type AS t
    WHERE t.typtype = 'd'
    UNION ALL
    SELECT
        chain.domain, t.typbasetype, t.typtypmod,
        chain.refuses_null OR t.typnotnull, chain.depth + 1
    FROM chain
    JOIN pg_type AS t ON t.oid = chain.base
    WHERE t.typtype = 'd'
),
domains AS (
    SELECT DISTINCT ON (domain) domain, base, typmod, refuses_null
    FROM chain
    ORDER BY domain, depth DESC
)
SELECT
    a.attrelid AS relation,
    a.attname AS name,
    format_type(a.atttypid, a.atttypmod) AS type,
    format_type(base.oid, coalesce(d.typmod, a.atttypmod)) AS base_type,
    format_type(base.oid, -1) AS bare_type,
    CASE
        WHEN base.typsubscript = 'array_subscript_handler'::regproc
        THEN format_type(
            coalesce(e.base, base.typelem), coalesce(e.typmod, d.typmod, a.atttypmod)
        )
    END AS element_type,
    base.typcategory AS category,
    base.typtype AS type_kind,
    NOT (a.attnotnull OR coalesce(d.refuses_null, false)) AS nullable,
    a.atthasdef AND a.attgenerated = '' AS has_default,
    a.attgenerated AS generated,
    CASE
        WHEN a.attgenerated = '' THEN ARRAY[]::text[]
        ELSE ARRAY(
            SELECT source.attname::text
            FROM pg_depend AS uses
            JOIN pg_attribute AS source
                ON source.attrelid = uses.refobjid AND source.attnum = uses.refobjsubid
            LEFT JOIN pg_attrdef AS formula
                ON uses.classid = 'pg_attrdef'::regclass AND formula.oid = uses.objid
            WHERE (
                formula.adrelid = a.attrelid AND formula.adnum = a.attnum
                OR uses.classid = 'pg_class'::regclass
                AND uses.objid = a.attrelid AND uses.objsubid = a.attnum
            )
              AND uses.refclassid = 'pg_class'::regclass
              AND uses.refobjid = a.attrelid
              AND source.attnum > 0
              AND source.attnum <> a.attnum
            ORDER BY source.attnum
        )
    END AS generated_from,
    a.attidentity AS identity,
    coalesce(l.collisdeterministic, true) AS is_bytewise,
    has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable,
    has_column_privilege(a.attrelid, a.attnum, 'UPDATE') AS updatable
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN domains AS d ON d.domain = a.atttypid
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
JOIN pg_type AS base ON base.oid = coalesce(d.base, a.atttypid)
LEFT JOIN domains AS e ON e.domain = base.typelem
WHERE a.attnum > 0
  AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND NOT c.relispartition
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
  AND n.nspname <> ALL (%(ignore_schemas)s::text[])
ORDER BY a.attrelid, a.attnum
