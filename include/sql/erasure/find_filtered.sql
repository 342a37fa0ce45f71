-- Name the tables of which row-level security filters what a role sees.
-- identifiers: none
-- values: roles (name[]), schemas, tables (name[], in pairs)
-- locks: none
SELECT r.rolname::text, a.schema::text, a.rel::text
FROM unnest(%(schemas)s::name[], %(tables)s::name[]) AS a (schema, rel)
JOIN pg_namespace AS n ON n.nspname = a.schema
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = a.rel
JOIN pg_roles AS r ON r.rolname = ANY(%(roles)s::name[])
WHERE c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
  AND (c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE'))
ORDER BY a.schema, a.rel, r.rolname
