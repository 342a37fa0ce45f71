-- Delete the frozen values of subjects of whom nothing is archived any more.
-- identifiers: none
-- values: kinds (text[]), keys (text[], each the text form of text[])
-- locks: the deleted rows
DELETE FROM lethe.archive_frozen AS f
USING (SELECT DISTINCT * FROM unnest(%(kinds)s::text[], %(keys)s::text[])) AS d(kind, key)
WHERE f.subject_kind = d.kind AND f.subject_key = d.key::text[]
  AND NOT EXISTS (SELECT FROM lethe.archive_record AS r
                  WHERE hash_array_extended(r.subject_key, 0) = hash_array_extended(f.subject_key, 0)
                    AND r.subject_kind = f.subject_kind AND r.subject_key = f.subject_key)
