-- Take what was set aside of a source, oldest first, to read it again.
-- identifiers: none
-- values: source (text), not_these (uuid[])
-- locks: the row, until the transaction ends
SELECT aside_id, key_period, sealed, aside_on, ends_on
  FROM lethe.log_aside
 WHERE source = %(source)s
   AND aside_id <> ALL (%(not_these)s::uuid[])
 ORDER BY aside_on, aside_id
 LIMIT 1
   FOR UPDATE SKIP LOCKED
