-- List the packs of a kind that were signed, newest first.
-- identifiers: none
-- values: kind (text: day or month)
-- locks: none
SELECT id, payload
FROM lethe.ledger
WHERE run_id IS NULL AND kind = 'evidence_pack_signed' AND payload ->> 'kind' = %(kind)s
ORDER BY id DESC
