-- Find the seals of a period: the oldest and the newest of those made in its days (on a rehearsal,
-- whose clock is not that of the wall, also of those over runs that were about its days), and the
-- newest of all that were made before its end.
-- identifiers: none
-- values: begins (timestamptz), ends (timestamptz), first (date), last (date), rehearsal (boolean)
-- locks: none
WITH found AS (
    SELECT seal_no FROM lethe.ledger_seal
    WHERE sealed_at >= %(begins)s AND sealed_at < %(ends)s
    UNION
    SELECT s.seal_no
    FROM lethe.run AS r
    JOIN lethe.ledger_batch AS b USING (run_id)
    JOIN lethe.ledger_sealing AS s USING (batch)
    WHERE %(rehearsal)s AND r.as_of BETWEEN %(first)s AND %(last)s
)
SELECT min(seal_no), max(seal_no),
       (SELECT max(seal_no) FROM lethe.ledger_seal WHERE sealed_at < %(ends)s)
FROM found
