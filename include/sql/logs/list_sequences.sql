-- Name the sequences from which columns of some tables take their defaults.
-- identifiers: none
-- values: schemas (name[]), tables (name[])
-- locks: none
SELECT DISTINCT n.nspname, s.relname
  FROM unnest(%(schemas)s::name[], %(tables)s::name[]) AS asked (schema, name)
  JOIN pg_namespace tn ON tn.nspname = asked.schema
  JOIN pg_class t ON t.relnamespace = tn.oid AND t.relname = asked.name
  JOIN pg_attrdef d ON d.adrelid = t.oid
  JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
                  AND p.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
  JOIN pg_namespace n ON n.oid = s.relnamespace
 ORDER BY 1, 2
