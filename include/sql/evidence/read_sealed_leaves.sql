-- Read every sealed ledger row, and of every expired one leaf and commitment, in the order of
-- the seals.
-- identifiers: none
-- values: none
-- locks: none
SELECT s.seal_no, NULL::bytea AS leaf, l.id, l.batch::text, l.run_id::text, l.at, l.kind,
       l.subject_token, l.key_id::text, l.payload::text
FROM lethe.ledger l JOIN lethe.ledger_sealing s USING (batch)
UNION ALL
SELECT s.seal_no, e.leaf, e.id, e.batch::text, e.run_id::text, e.at, e.kind, e.commitment, NULL, NULL
FROM lethe.ledger_expired e JOIN lethe.ledger_sealing s USING (batch)
ORDER BY 1, 3
