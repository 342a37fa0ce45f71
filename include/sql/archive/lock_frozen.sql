-- Lock the frozen clocks of records, so that no erasure moves them under the last check.
-- identifiers: none
-- values: leaves (bigint[])
-- locks: the rows
SELECT FROM lethe.archive_frozen AS f
WHERE EXISTS (SELECT FROM lethe.archive_record AS r
              WHERE r.leaf_no = ANY(%(leaves)s) AND r.subject_kind = f.subject_kind
                AND r.subject_key = f.subject_key)
FOR UPDATE
