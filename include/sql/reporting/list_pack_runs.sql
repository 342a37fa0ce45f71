-- List the runs of a period: those with rows under its seals, and those about its days.
-- identifiers: none
-- values: first_seal (bigint), last_seal (bigint), first (date), last (date)
-- locks: none
SELECT r.run_id::text, r.kind, r.name, encode(r.policy_digest, 'hex'), r.policy_name,
       r.policy_version, r.as_of, r.requested_by, r.started_at, r.finished_at, r.state,
       r.sealed_seal_no
FROM lethe.run AS r
WHERE r.as_of BETWEEN %(first)s AND %(last)s
   OR r.run_id IN (
       SELECT b.run_id FROM lethe.ledger_batch AS b JOIN lethe.ledger_sealing AS s USING (batch)
       WHERE s.seal_no BETWEEN %(first_seal)s AND %(last_seal)s)
ORDER BY r.started_at, r.run_id
