-- Say how far the archive is, and how many documents of a kind it lists, living and at all.
-- identifiers: none
-- values: document_type (text)
-- locks: none
SELECT (SELECT coalesce(max(head_no), 0) FROM lethe.archive_head),
       (SELECT coalesce(max(tree_size), 0) FROM lethe.archive_head),
       count(*) FILTER (WHERE ended_on IS NULL), count(*)
FROM lethe.archived_document
WHERE document_type = %(document_type)s
