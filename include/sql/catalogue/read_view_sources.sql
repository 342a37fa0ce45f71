-- Say which relations and columns each view reads, directly or through functions with an SQL body.
-- identifiers: none
-- values: none
-- locks: none
WITH RECURSIVE reads AS (
    SELECT rule.ev_class AS view, d.refclassid, d.refobjid, d.refobjsubid
    FROM pg_rewrite AS rule
    JOIN pg_class AS c ON c.oid = rule.ev_class
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = rule.oid
    WHERE rule.rulename = '_RETURN'
      AND d.deptype = 'n'
      -- Until PostgreSQL 15 the rule of a view depends on the view itself.
      AND (d.refclassid <> 'pg_class'::regclass OR d.refobjid <> rule.ev_class)
      AND n.nspname !~ '^pg_'
      AND n.nspname <> 'information_schema'
    UNION
    SELECT reads.view, d.refclassid, d.refobjid, d.refobjsubid
    FROM reads
    JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = reads.refobjid
    WHERE reads.refclassid = 'pg_proc'::regclass
      AND d.deptype = 'n'
)
SELECT
    reads.view,
    reads.refobjid AS source,
    coalesce(
        array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attname IS NOT NULL), ARRAY[]::text[]
    ) AS columns
FROM reads
LEFT JOIN pg_attribute AS a
    ON a.attrelid = reads.refobjid AND a.attnum = reads.refobjsubid AND a.attnum > 0
WHERE reads.refclassid = 'pg_class'::regclass
GROUP BY reads.view, reads.refobjid
ORDER BY reads.view, reads.refobjid
