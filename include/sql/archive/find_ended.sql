-- Of some records, find those whose document has ended: its newest version was destroyed before them.
-- identifiers: none
-- values: leaves (bigint[])
-- locks: none
SELECT r.leaf_no
FROM lethe.archive_record AS r
JOIN lethe.archived_document AS a
  ON hash_array_extended(a.key, 0) = hash_array_extended(r.document_key, 0)
  AND a.document_type = r.document_type AND a.key = r.document_key AND a.ended_on IS NOT NULL
WHERE r.leaf_no = ANY(%(leaves)s)
