-- Say of documents whose last version goes that they are not archived again.
-- identifiers: none
-- values: leaves (bigint[]), day (date)
-- locks: the rows
UPDATE lethe.archived_document AS a
SET ended_on = %(day)s, bound_digest = decode(repeat('00', 32), 'hex')
FROM lethe.archive_record AS r
WHERE r.leaf_no = ANY(%(leaves)s) AND a.leaf_no = r.leaf_no
RETURNING a.leaf_no
