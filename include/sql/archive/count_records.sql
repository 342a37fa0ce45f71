-- Count living records by kind.
-- identifiers: none
-- values: none
-- locks: none
SELECT kind, count(*) FROM lethe.archive_record GROUP BY kind
