-- Destroy rows of raw tables that were set aside and whose time has ended.
-- identifiers: none
-- values: today (date)
-- locks: the deleted rows
DELETE FROM lethe.log_aside WHERE ends_on < %(today)s RETURNING source, row_count
