-- List records that stand beyond the tree.
-- identifiers: none
-- values: size (bigint)
-- locks: none
SELECT leaf_no FROM lethe.archive_record WHERE leaf_no >= %(size)s ORDER BY leaf_no LIMIT 100
