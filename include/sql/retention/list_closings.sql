-- Every closing of some runs up to a day, in their order, with the seal that covers it.
-- identifiers: none
-- values: runs (uuid[]), last (date)
-- locks: none
SELECT l.run_id, coalesce(l.payload ->> 'on', l.payload ->> 'as_of')::date, l.payload, s.seal_no
FROM lethe.ledger AS l
LEFT JOIN lethe.ledger_sealing AS s USING (batch)
WHERE l.run_id = ANY(%(runs)s::uuid[]) AND l.kind = 'sweep_closed'
  AND coalesce(l.payload ->> 'on', l.payload ->> 'as_of')::date <= %(last)s
ORDER BY l.run_id, l.id
