-- List frozen clocks. Of one that is not sealed, `earlier` is the newest clock record of its subject:
-- that of an earlier erasure.
-- identifiers: none
-- values: none
-- locks: none
SELECT f.sealed_no, f.subject_kind,
       CASE WHEN array_ndims(f.subject_key) = 1 AND array_lower(f.subject_key, 1) = 1
            THEN to_json(f.subject_key)::text ELSE '"another array"' END, f.deactivated_on::text,
       f.erased_on::text, f.run_id::text,
       CASE WHEN f.sealed_no IS NULL THEN (
           SELECT max(r.leaf_no) FROM lethe.archive_record AS r
           WHERE hash_array_extended(r.subject_key, 0) = hash_array_extended(f.subject_key, 0)
             AND r.subject_kind = f.subject_kind AND r.subject_key = f.subject_key
             AND r.kind = 'clock') END AS earlier
FROM lethe.archive_frozen AS f
