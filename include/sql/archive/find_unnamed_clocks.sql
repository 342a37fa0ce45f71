-- Of clock records, find those that are no earlier ones of a frozen clock.
-- identifiers: none
-- values: leaves (bigint[])
-- locks: none
SELECT r.leaf_no
FROM lethe.archive_record AS r
WHERE r.leaf_no = ANY(%(leaves)s) AND NOT EXISTS (
    SELECT FROM lethe.archive_frozen AS f
    WHERE f.subject_kind = r.subject_kind AND f.subject_key = r.subject_key
      AND (f.sealed_no IS NULL OR f.sealed_no >= r.leaf_no))
ORDER BY r.leaf_no
