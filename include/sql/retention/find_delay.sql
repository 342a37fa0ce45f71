-- How far a night has come, by the name of its DAG run, and whether its alarm has rung.
-- identifiers: none
-- values: name (text)
-- locks: none
SELECT EXISTS (SELECT FROM lethe.run AS r
               WHERE r.kind = 'sweep' AND r.name = %(name)s AND r.finished_at IS NOT NULL),
       EXISTS (SELECT FROM lethe.ledger AS l
               WHERE l.kind = 'sweep_late' AND l.payload ->> 'name' = %(name)s)
