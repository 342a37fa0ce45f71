-- Count the statements of lawful destruction.
-- identifiers: none
-- values: none
-- locks: none
SELECT count(*) FROM lethe.archive_destroyed
