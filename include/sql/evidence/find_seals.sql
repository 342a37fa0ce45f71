-- Find seals by their hashes.
-- identifiers: none
-- values: hashes (bytea[])
-- locks: none
SELECT seal_hash FROM lethe.ledger_seal WHERE seal_hash = ANY(%(hashes)s::bytea[])
