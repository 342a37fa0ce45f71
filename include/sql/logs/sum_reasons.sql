-- Add up, source by source and reason by reason, what was set aside between two instants.
-- identifiers: none
-- values: begins, ends (timestamptz)
-- locks: none
SELECT l.payload ->> 'source', r.key, sum(r.value::bigint)
  FROM lethe.ledger AS l, jsonb_each_text(l.payload -> 'quarantined') AS r
 WHERE l.kind = 'log_written'
   AND l.at >= %(begins)s
   AND l.at < %(ends)s
 GROUP BY 1, 2
 ORDER BY 1, 2
