-- Say of documents whose last version goes that they are not archived again.
-- identifiers: none
-- values: leaves (bigint[]), tokens (bytea[], in the same order), day (date)
-- locks: the rows
UPDATE lethe.archived_document AS a
SET ended_on = %(day)s, archived_at = %(day)s::timestamp AT TIME ZONE 'UTC', bound_digest = d.token
FROM unnest(%(leaves)s::bigint[], %(tokens)s::bytea[]) AS d(leaf_no, token)
WHERE a.leaf_no = d.leaf_no AND a.ended_on IS NULL
