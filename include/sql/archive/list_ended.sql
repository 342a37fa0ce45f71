-- List documents whose last version was destroyed.
-- identifiers: none
-- values: none
-- locks: none
SELECT leaf_no, ended_on::text, bound_digest, document_type, key::text,
       archived_at = ended_on::timestamp AT TIME ZONE 'UTC'
FROM lethe.archived_document
WHERE ended_on IS NOT NULL
