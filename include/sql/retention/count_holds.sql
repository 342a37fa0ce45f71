-- Holds and restrictions in force at the end of a day, by kind of subject, owner and origin.
-- identifiers: none
-- values: last (date), ends (timestamptz: end of that day)
-- locks: none
SELECT h.sort, h.subject_kind, h.owner, h.origin, count(*),
       count(*) FILTER (WHERE h.review_on < %(last)s) AS past_review, min(h.review_on)
FROM (SELECT 'hold' AS sort, subject_kind, owner, coalesce(query_name, source) AS origin,
             review_on, created_at, released_at
      FROM lethe.hold
      UNION ALL
      SELECT 'restriction', subject_kind, owner, coalesce(query_name, 'subject'),
             review_on, created_at, released_at
      FROM lethe.restriction) AS h
WHERE h.created_at < %(ends)s AND (h.released_at IS NULL OR h.released_at >= %(ends)s)
GROUP BY h.sort, h.subject_kind, h.owner, h.origin
ORDER BY h.sort, h.subject_kind, h.owner, h.origin
