-- Of some rights on tables, those that a role does not have; names that no table has are left out.
-- identifiers: none
-- values: role (name), names, privileges (text[], in pairs; names as the search path finds them)
-- locks: none
SELECT a.written, c.oid::regclass::text, a.privilege
FROM unnest(%(names)s::text[], %(privileges)s::text[]) AS a (written, privilege)
CROSS JOIN LATERAL (SELECT to_regclass(a.written) AS oid) AS c
JOIN pg_class AS p ON p.oid = c.oid
WHERE NOT (CASE a.privilege
           WHEN 'DELETE' THEN has_table_privilege(%(role)s, c.oid, 'DELETE')
           ELSE has_any_column_privilege(%(role)s, c.oid, a.privilege) END
           AND has_schema_privilege(%(role)s, p.relnamespace, 'USAGE'))
