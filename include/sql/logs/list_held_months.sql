-- Name the months of logs that something stands on: a hold on the period, or an open case; one that
-- nobody approved keeps a key for thirty days only, for anybody may ask anything.
-- identifiers: none
-- values: kind (text: how holds name a period of logs), as_of (date)
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
   AND (c.asked_at >= %(as_of)s::date - 30
        OR EXISTS (SELECT FROM lethe.approval AS a
                    WHERE a.rule = 'logs:reveal' AND a.digest = c.digest AND a.decision = 'approve'))
