-- Name the rewrite rules, those that make a view left out.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    r.ev_class AS relation,
    r.rulename AS name,
    r.ev_type AS event,
    r.is_instead AS instead,
    r.ev_enabled AS firing
FROM pg_rewrite AS r
JOIN pg_class AS c ON c.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN'
  AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", r.rulename COLLATE "C"
