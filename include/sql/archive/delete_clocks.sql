-- Delete frozen clocks of subjects of whom nothing else is archived any more.
-- identifiers: none
-- values: kinds (text[]), keys (text[], each the text form of text[])
-- locks: the deleted rows
DELETE FROM lethe.archive_record AS c
USING (SELECT DISTINCT * FROM unnest(%(kinds)s::text[], %(keys)s::text[])) AS d(kind, key)
WHERE c.kind = 'clock' AND c.subject_kind = d.kind AND c.subject_key = d.key::text[]
  AND hash_array_extended(c.subject_key, 0) = hash_array_extended(d.key::text[], 0)
  AND NOT EXISTS (SELECT FROM lethe.archive_record AS r
                  WHERE hash_array_extended(r.subject_key, 0) = hash_array_extended(c.subject_key, 0)
                    AND r.subject_kind = c.subject_kind AND r.subject_key = c.subject_key
                    AND r.kind <> 'clock')
RETURNING c.leaf_no
