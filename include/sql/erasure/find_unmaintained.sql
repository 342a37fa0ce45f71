-- Of some materialised views, those that a role may not refresh: it needs MAINTAIN, or ownership.
-- identifiers: none
-- values: role (name), schemas, views (name[], in pairs)
-- locks: none
SELECT a.schema::text, a.view::text
FROM unnest(%(schemas)s::name[], %(views)s::name[]) AS a (schema, view)
JOIN pg_namespace AS n ON n.nspname = a.schema
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = a.view AND c.relkind = 'm'
WHERE NOT (has_schema_privilege(%(role)s, n.oid, 'USAGE')
           AND (pg_has_role(%(role)s, c.relowner, 'USAGE')
                OR CASE WHEN current_setting('server_version_num')::integer >= 170000
                        THEN has_table_privilege(%(role)s, c.oid, 'MAINTAIN') ELSE false END))
ORDER BY a.schema, a.view
