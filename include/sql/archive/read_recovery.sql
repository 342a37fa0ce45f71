-- Read a page of sealed records with what the offline key needs to open them.
-- identifiers: none
-- values: after, size (bigint)
-- locks: none
SELECT r.leaf_no, h.ephemeral, h.recovery_id, r.sealed, r.recovery, r.kind, r.document_type,
       r.document_key::text, r.number, r.issued_on::text, r.country, r.party_no::text,
       r.subject_kind, r.subject_key::text, encode(r.content_token, 'hex'), r.head_no::text
FROM lethe.archive_record AS r
JOIN lethe.archive_head AS h USING (head_no)
WHERE r.leaf_no > %(after)s
ORDER BY r.leaf_no
LIMIT %(size)s
