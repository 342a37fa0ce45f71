-- Put files that erased rows named into the outbox, in the erasing transaction.
-- identifiers: none
-- values: run_id (uuid), batch (uuid), systems (text[]), targets (text[])
-- locks: the new rows
INSERT INTO lethe.outbox (run_id, batch, system, target)
SELECT %(run_id)s, %(batch)s, i.system, i.target
FROM unnest(%(systems)s::text[], %(targets)s::text[]) AS i(system, target)
