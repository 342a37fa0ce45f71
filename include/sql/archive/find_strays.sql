-- Find what the list of archived documents says, and the records do not.
-- identifiers: none
-- values: none
-- locks: none
SELECT coalesce(a.leaf_no, n.leaf_no), CASE
           WHEN a.key IS NULL THEN 'is missing from the list of archived documents'
           WHEN n.leaf_no IS NULL THEN 'is listed as archived, and no record is there'
           ELSE 'is listed as another version than the newest' END
FROM (SELECT document_type, document_key AS key, max(leaf_no) AS leaf_no
      FROM lethe.archive_record WHERE kind = 'document' GROUP BY 1, 2) AS n
FULL JOIN (SELECT * FROM lethe.archived_document WHERE ended_on IS NULL) AS a
  USING (document_type, key)
WHERE a.leaf_no IS DISTINCT FROM n.leaf_no
ORDER BY 1
LIMIT 100
