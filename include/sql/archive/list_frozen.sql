-- List frozen clocks, and the clock records that no frozen clock names.
-- identifiers: none
-- values: none
-- locks: none
SELECT f.sealed_no, f.subject_kind, to_json(f.subject_key)::text, f.deactivated_on::text,
       f.erased_on::text
FROM lethe.archive_frozen AS f
UNION ALL
SELECT r.leaf_no, NULL, NULL, NULL, NULL
FROM lethe.archive_record AS r
WHERE r.kind = 'clock' AND NOT EXISTS (
    SELECT FROM lethe.archive_frozen AS f
    WHERE f.subject_kind = r.subject_kind AND f.subject_key = r.subject_key
      AND (f.sealed_no IS NULL OR f.sealed_no >= r.leaf_no))
