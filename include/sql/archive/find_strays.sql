-- Find documents of the list of archived documents that no record stands for.
-- identifiers: none
-- values: none
-- locks: none
SELECT a.leaf_no
FROM lethe.archived_document AS a
LEFT JOIN lethe.archive_record AS r ON r.leaf_no = a.leaf_no AND r.kind = 'document'
  AND r.document_type = a.document_type AND r.document_key = a.key
WHERE a.ended_on IS NULL AND r.leaf_no IS NULL
ORDER BY a.leaf_no
LIMIT 100
