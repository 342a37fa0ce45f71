-- Count the lines of some runs that had been set aside and were read later.
-- identifiers: none
-- values: runs (text[])
-- locks: none
SELECT coalesce(sum((payload ->> 'written')::bigint), 0)
  FROM lethe.ledger
 WHERE kind = 'log_reread'
   AND payload ->> 'of' = ANY(%(runs)s)
