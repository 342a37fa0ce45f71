-- Add up, source by source, what became of raw lines between two instants.
-- identifiers: none
-- values: begins, ends (timestamptz)
-- locks: none
SELECT payload ->> 'source',
       count(*),
       sum((payload ->> 'read')::bigint),
       sum((payload ->> 'written')::bigint),
       max((payload ->> 'unique_share')::numeric),
       min(nullif((payload ->> 'smallest_group')::bigint, 0)),
       bool_and((payload ->> 'within')::boolean)
  FROM lethe.ledger
 WHERE kind = 'log_written'
   AND at >= %(begins)s
   AND at < %(ends)s
 GROUP BY 1
 ORDER BY 1
