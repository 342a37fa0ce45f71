-- Let the next night compare the parts of documents again whose records come to their end.
-- identifiers: none
-- values: leaves (bigint[])
-- locks: the deleted rows
DELETE FROM lethe.archive_unchanged AS u
USING lethe.archive_record AS r
WHERE r.leaf_no = ANY(%(leaves)s) AND u.document_type = r.document_type
  AND u.part = (r.issued_on - '1900-01-01'::date) / 32 * 128
    + (hash_array_extended(r.document_key, 0) & 127)::integer
