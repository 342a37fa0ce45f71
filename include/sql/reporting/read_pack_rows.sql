-- Read the ledger rows under some seals, and of every expired one leaf and commitment, in the
-- order of the seals.
-- identifiers: none
-- values: first_seal (bigint), last_seal (bigint)
-- locks: none
SELECT s.seal_no, NULL::bytea AS leaf, l.id, l.batch::text, l.run_id::text, l.at, l.kind,
       l.subject_token, l.key_id::text, l.payload::text
FROM lethe.ledger_sealing AS s JOIN lethe.ledger AS l USING (batch)
WHERE s.seal_no BETWEEN %(first_seal)s AND %(last_seal)s
UNION ALL
SELECT s.seal_no, e.leaf, e.id, e.batch::text, e.run_id::text, e.at, e.kind, e.commitment, NULL, NULL
FROM lethe.ledger_sealing AS s JOIN lethe.ledger_expired AS e USING (batch)
WHERE s.seal_no BETWEEN %(first_seal)s AND %(last_seal)s
ORDER BY 1, 3
