-- Read the source of a function of our schema.
-- identifiers: none
-- values: name (text)
-- locks: none
SELECT prosrc FROM pg_proc
WHERE proname = %(name)s
  AND pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'lethe')
