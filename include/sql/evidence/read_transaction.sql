-- Read the number of this transaction, giving it one if it has written nothing yet.
-- identifiers: none
-- values: none
-- locks: none
SELECT pg_current_xact_id()::text
