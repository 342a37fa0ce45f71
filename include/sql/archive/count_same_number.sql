-- Count documents of a kind, archived from a leaf on, whose number another document of it has too.
-- identifiers: none
-- values: document_type (text), first (bigint)
-- locks: none
SELECT count(DISTINCT r.document_key)
FROM lethe.archive_record AS r
WHERE r.kind = 'document' AND r.document_type = %(document_type)s AND r.leaf_no >= %(first)s
  AND EXISTS (SELECT FROM lethe.archive_record AS o
              WHERE o.kind = 'document' AND o.number = r.number
                AND o.document_type = r.document_type AND o.document_key <> r.document_key)
