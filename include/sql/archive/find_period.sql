-- Find the documents issued in a period, and the party data that they are bound to.
-- identifiers: none
-- values: first, last (date)
-- locks: none
WITH issued AS (
    SELECT leaf_no, party_no FROM lethe.archive_record
    WHERE kind = 'document' AND issued_on BETWEEN %(first)s AND %(last)s
)
SELECT leaf_no FROM issued UNION SELECT party_no FROM issued ORDER BY 1
