-- Say of documents whose last version goes that they are not archived again.
-- identifiers: none
-- values: leaves (bigint[]), tokens (bytea[], in the same order), day (date)
-- locks: the rows
UPDATE lethe.archived_document AS a
SET ended_on = %(day)s, archived_at = %(day)s::timestamp AT TIME ZONE 'UTC', bound_digest = d.token
FROM unnest(%(leaves)s::bigint[], %(tokens)s::bytea[]) AS d(leaf_no, token)
JOIN lethe.archive_record AS r ON r.leaf_no = d.leaf_no
WHERE hash_array_extended(a.key, 0) = hash_array_extended(r.document_key, 0)
  AND a.document_type = r.document_type AND a.key = r.document_key AND a.leaf_no = d.leaf_no
  AND a.ended_on IS NULL
