-- Forget frozen clocks of subjects of whom the archive holds no document.
-- identifiers: none
-- values: none
-- locks: the deleted rows
DELETE FROM lethe.archive_frozen AS f
WHERE f.sealed_no IS NULL AND NOT EXISTS (
    SELECT FROM lethe.archive_record AS r
    WHERE hash_array_extended(r.subject_key, 0) = hash_array_extended(f.subject_key, 0)
      AND r.subject_kind = f.subject_kind AND r.subject_key = f.subject_key)
