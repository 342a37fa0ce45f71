-- Name the event triggers of the database.
-- identifiers: none
-- values: none
-- locks: none
SELECT
    e.evtname AS name,
    e.evtevent AS event,
    quote_ident(n.nspname) || '.' || quote_ident(f.proname) AS function,
    coalesce(e.evttags, ARRAY[]::text[]) AS tags,
    e.evtenabled AS firing
FROM pg_event_trigger AS e
JOIN pg_proc AS f ON f.oid = e.evtfoid
JOIN pg_namespace AS n ON n.oid = f.pronamespace
ORDER BY e.evtname COLLATE "C"
