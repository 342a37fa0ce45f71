-- Find versions of party data that the archive already holds.
-- identifiers: none
-- values: kind (text), keys (text[], each the text form of text[]), tokens (bytea[])
-- locks: none
SELECT r.subject_key::text, r.content_token, max(r.leaf_no)
FROM unnest(%(keys)s::text[], %(tokens)s::bytea[]) AS d(key, token)
JOIN lethe.archive_record AS r
  ON r.subject_kind = %(kind)s AND r.subject_key = d.key::text[] AND r.content_token = d.token
WHERE r.kind = 'party'
GROUP BY r.subject_key, r.content_token
