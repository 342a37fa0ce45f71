-- Name types by number, each with its schema unless built in, in the order asked.
-- identifiers: none
-- values: oids (bigint[])
-- locks: none
SELECT format_type(asked.oid::oid, -1) AS name
FROM unnest(%(oids)s::bigint[]) WITH ORDINALITY AS asked (oid, place)
ORDER BY asked.place
