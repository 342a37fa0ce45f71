-- Tell whether the closing of a run with these sums is on the ledger already.
-- identifiers: none
-- values: run_id (uuid), payload (jsonb)
-- locks: none
SELECT EXISTS (
    SELECT FROM lethe.ledger
    WHERE run_id = %(run_id)s AND kind = 'sweep_closed' AND payload = %(payload)s::jsonb
)
