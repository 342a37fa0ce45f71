-- Find the frozen clocks that some records end by.
-- identifiers: none
-- values: leaves (bigint[])
-- locks: none
SELECT r.leaf_no, f.sealed_no, f.subject_kind,
       CASE WHEN array_ndims(f.subject_key) = 1 AND array_lower(f.subject_key, 1) = 1
            THEN to_json(f.subject_key)::text ELSE '"another array"' END,
       f.deactivated_on::text, f.erased_on::text, f.run_id::text
FROM lethe.archive_record AS r
JOIN lethe.archive_frozen AS f
  ON f.subject_kind = r.subject_kind AND f.subject_key = r.subject_key
WHERE r.leaf_no = ANY(%(leaves)s)
