-- Find frozen clocks without a leaf, and lock them.
-- identifiers: none
-- values: size (bigint)
-- locks: the rows
SELECT subject_kind, subject_key::text, to_json(subject_key)::text, deactivated_on, erased_on,
       run_id::text
FROM lethe.archive_frozen
WHERE sealed_no IS NULL
ORDER BY subject_kind, subject_key
LIMIT %(size)s
FOR UPDATE
