-- Keep of expired ledger rows what says nothing about anybody: leaf, kind, commitment.
-- identifiers: none
-- values: none (rows on standard input)
-- locks: the new rows
COPY lethe.ledger_expired (id, batch, leaf, at, run_id, kind, commitment) FROM STDIN
