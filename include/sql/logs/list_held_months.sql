-- Name the months of logs that something stands on: a hold on the period, or an open case.
-- identifiers: none
-- values: kind (text: how holds name a period of logs)
-- locks: none
SELECT h.key[1], 'a hold'
  FROM lethe.hold AS h
 WHERE h.subject_kind = %(kind)s
   AND h.released_at IS NULL
   AND h.key IS NOT NULL
 UNION ALL
SELECT c.period, 'an open case'
  FROM lethe.reveal_case AS c
 WHERE c.closed_at IS NULL
