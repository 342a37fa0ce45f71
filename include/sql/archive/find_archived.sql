-- Find what the archive holds of some documents now, and whether their accounts were erased since.
-- identifiers: none
-- values: document_type, kind (text), keys, owners (text[], each the text form of text[])
-- locks: none
SELECT d.key, a.leaf_no,
       a.ended_on IS NOT NULL OR (a.key IS NOT NULL AND f.subject_key IS NOT NULL
                                AND (f.sealed_no IS NULL
                                     OR a.leaf_no < f.sealed_no AND r.leaf_no IS NOT NULL))
FROM unnest(%(keys)s::text[], %(owners)s::text[]) AS d(key, owner)
LEFT JOIN lethe.archived_document AS a
  ON hash_array_extended(a.key, 0) = hash_array_extended(d.key::text[], 0)
  AND a.document_type = %(document_type)s AND a.key = d.key::text[]
LEFT JOIN lethe.archive_record AS r
  ON r.leaf_no = a.leaf_no AND r.subject_kind = %(kind)s AND r.subject_key = d.owner::text[]
LEFT JOIN lethe.archive_frozen AS f
  ON f.subject_kind = %(kind)s AND f.subject_key = d.owner::text[]
