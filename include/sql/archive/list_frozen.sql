-- List frozen clocks, and the clock records that no frozen clock names. Of one that is not sealed,
-- `sealed` is the newest clock record of its subject: that of an earlier erasure.
-- identifiers: none
-- values: none
-- locks: none
SELECT f.sealed_no, f.subject_kind, to_json(f.subject_key)::text, f.deactivated_on::text,
       f.erased_on::text, f.run_id::text,
       CASE WHEN f.sealed_no IS NULL THEN (
           SELECT max(r.leaf_no) FROM lethe.archive_record AS r
           WHERE hash_array_extended(r.subject_key, 0) = hash_array_extended(f.subject_key, 0)
             AND r.subject_kind = f.subject_kind AND r.subject_key = f.subject_key
             AND r.kind = 'clock') END AS sealed
FROM lethe.archive_frozen AS f
UNION ALL
SELECT r.leaf_no, NULL, NULL, NULL, NULL, NULL, NULL
FROM lethe.archive_record AS r
WHERE r.kind = 'clock' AND NOT EXISTS (
    SELECT FROM lethe.archive_frozen AS f
    WHERE f.subject_kind = r.subject_kind AND f.subject_key = r.subject_key
      AND (f.sealed_no IS NULL OR f.sealed_no >= r.leaf_no))
