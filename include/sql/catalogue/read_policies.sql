-- Name the policies of row-level security.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    p.polrelid AS relation,
    p.polname AS name,
    p.polcmd AS command,
    p.polpermissive AS permissive,
    ARRAY(
        SELECT coalesce(role.rolname::text, 'public')
        FROM unnest(p.polroles) WITH ORDINALITY AS r (oid, place)
        LEFT JOIN pg_roles AS role ON role.oid = r.oid
        ORDER BY r.place
    ) AS roles
FROM pg_policy AS p
JOIN pg_class AS c ON c.oid = p.polrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", p.polname COLLATE "C"
