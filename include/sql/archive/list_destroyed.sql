-- List the statements of lawful destruction.
-- identifiers: none
-- values: none
-- locks: none
SELECT leaf_no, gone_no, statement, signature FROM lethe.archive_destroyed ORDER BY leaf_no
