-- Keep the leaves of expired ledger rows.
-- identifiers: none
-- values: none (rows on standard input)
-- locks: the new rows
COPY lethe.ledger_expired (id, batch, leaf, at) FROM STDIN
