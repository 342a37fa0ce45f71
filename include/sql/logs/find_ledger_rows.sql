-- Find what the ledger says of one run over a log.
-- identifiers: none
-- values: kind (text), run (text)
-- locks: none
SELECT payload
  FROM lethe.ledger
 WHERE kind = %(kind)s
   AND payload ->> 'run' = %(run)s
