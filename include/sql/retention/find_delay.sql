-- How far a night has come, by the name of its DAG run, and whether its alarm has rung. A night
-- whose hour was over before Lethe was set up on the warehouse counts as done.
-- identifiers: none
-- values: name (text), due_at (timestamptz)
-- locks: none
SELECT EXISTS (SELECT FROM lethe.run AS r
               WHERE r.kind = 'sweep' AND r.name = %(name)s AND r.finished_at IS NOT NULL)
       OR EXISTS (SELECT FROM lethe.warehouse AS w WHERE w.created_at > %(due_at)s),
       EXISTS (SELECT FROM lethe.ledger AS l
               WHERE l.kind = 'sweep_late' AND l.payload ->> 'name' = %(name)s)
