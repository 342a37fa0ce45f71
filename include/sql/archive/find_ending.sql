-- Find the documents whose newest version is among some records.
-- identifiers: none
-- values: leaves (bigint[])
-- locks: the rows
SELECT leaf_no, document_type, key::text
FROM lethe.archived_document
WHERE leaf_no = ANY(%(leaves)s) AND ended_on IS NULL
FOR UPDATE
