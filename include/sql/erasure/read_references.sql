-- Count the foreign keys that point at some tables, and name the tables by their numbers.
-- identifiers: none
-- values: tables (text[]): quoted names
-- locks: none
SELECT r.numbers,
       (SELECT count(*)
        FROM pg_constraint AS k
        WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid = ANY(r.numbers)) AS keys
FROM (
    SELECT array_agg(to_regclass(t.name)::oid) AS numbers
    FROM unnest(%(tables)s::text[]) AS t (name)
) AS r
