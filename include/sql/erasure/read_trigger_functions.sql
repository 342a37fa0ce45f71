-- Read the functions of triggers that fire on DELETE or UPDATE of some tables and run with the
-- rights of whoever deletes.
-- identifiers: none
-- values: schemas, tables (name[], in pairs)
-- locks: none
SELECT a.schema::text, a.rel::text, t.tgname::text,
       quote_ident(fn.nspname) || '.' || quote_ident(f.proname),
       coalesce((SELECT substr(s, 13) FROM unnest(f.proconfig) AS s
                 WHERE starts_with(s, 'search_path=')), '') AS search_path,
       f.prosrc
FROM unnest(%(schemas)s::name[], %(tables)s::name[]) AS a (schema, rel)
JOIN pg_namespace AS n ON n.nspname = a.schema
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = a.rel
JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
JOIN pg_proc AS f ON f.oid = t.tgfoid
JOIN pg_namespace AS fn ON fn.oid = f.pronamespace
WHERE t.tgtype::integer & 24 > 0 AND NOT f.prosecdef
ORDER BY a.schema, a.rel, t.tgname
