-- Find the records of documents by their number.
-- identifiers: none
-- values: number, type (text; NULL: any)
-- locks: none
SELECT leaf_no FROM lethe.archive_record
WHERE kind = 'document' AND number = %(number)s
  AND (%(type)s::text IS NULL OR document_type = %(type)s)
ORDER BY leaf_no
