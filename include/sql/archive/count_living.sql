-- Count the documents that the list calls archived and living.
-- identifiers: none
-- values: none
-- locks: none
SELECT count(*) FROM lethe.archived_document WHERE ended_on IS NULL
