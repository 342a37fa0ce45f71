-- Find the seals of a period: those made in its days; on a rehearsal, whose clock is not that of
-- the wall, also those over runs that were about its days; and those that the pack before left out.
-- identifiers: none
-- values: begins (timestamptz), ends (timestamptz), first (date), last (date), rehearsal (boolean),
--   after_seal (bigint: newest seal of the pack before; NULL if there is none)
-- locks: none
SELECT coalesce(least(min(seal_no), max(%(after_seal)s::bigint) + 1), 0), coalesce(max(seal_no), 0)
FROM (
    SELECT seal_no FROM lethe.ledger_seal
    WHERE sealed_at >= %(begins)s AND sealed_at < %(ends)s
    UNION
    SELECT s.seal_no
    FROM lethe.run AS r
    JOIN lethe.ledger_batch AS b USING (run_id)
    JOIN lethe.ledger_sealing AS s USING (batch)
    WHERE %(rehearsal)s AND r.as_of BETWEEN %(first)s AND %(last)s
) AS found
