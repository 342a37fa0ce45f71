-- Holds and restrictions in force, and how many of them are past their review.
-- identifiers: none
-- values: as_of (date)
-- locks: none
SELECT count(*), count(*) FILTER (WHERE review_on < %(as_of)s)
FROM (SELECT review_on FROM lethe.hold WHERE released_at IS NULL
      UNION ALL
      SELECT review_on FROM lethe.restriction WHERE released_at IS NULL) AS h
