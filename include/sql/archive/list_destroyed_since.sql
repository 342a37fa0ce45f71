-- List the leaves from a number on that are no living record: statements, and what they name.
-- identifiers: none
-- values: first (bigint)
-- locks: none
SELECT leaf_no FROM lethe.archive_destroyed WHERE leaf_no >= %(first)s
UNION
SELECT gone_no FROM lethe.archive_destroyed WHERE gone_no >= %(first)s
