-- Make room for what is asked for, in memory of this session, until the transaction ends.
-- identifiers: none
-- values: none
-- locks: none
CREATE TEMPORARY TABLE IF NOT EXISTS lethe_asked (parts text[]) ON COMMIT DROP
