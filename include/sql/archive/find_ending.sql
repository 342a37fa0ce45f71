-- Find the documents whose newest version is among some records.
-- identifiers: none
-- values: leaves (bigint[])
-- locks: the rows
SELECT a.leaf_no, a.document_type, a.key::text
FROM lethe.archive_record AS r
JOIN lethe.archived_document AS a
  ON hash_array_extended(a.key, 0) = hash_array_extended(r.document_key, 0)
  AND a.document_type = r.document_type AND a.key = r.document_key AND a.leaf_no = r.leaf_no
WHERE r.leaf_no = ANY(%(leaves)s) AND a.ended_on IS NULL
FOR UPDATE OF a
