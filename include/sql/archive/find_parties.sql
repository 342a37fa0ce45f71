-- Find versions of party data that the archive already holds.
-- identifiers: none
-- values: kind (text), keys (text[], each the text form of text[]), tokens (bytea[])
-- locks: none
SELECT d.key, d.token, r.leaf_no
FROM unnest(%(keys)s::text[], %(tokens)s::bytea[]) AS d(key, token)
CROSS JOIN LATERAL (
    SELECT max(leaf_no) AS leaf_no FROM lethe.archive_record
    WHERE hash_array_extended(subject_key, 0) = hash_array_extended(d.key::text[], 0)
      AND subject_kind = %(kind)s AND subject_key = d.key::text[] AND content_token = d.token
      AND kind = 'party'
) AS r
WHERE r.leaf_no IS NOT NULL
