-- Delete party data that no living document is bound to any more.
-- identifiers: none
-- values: parties (bigint[])
-- locks: the deleted rows
DELETE FROM lethe.archive_record AS p
WHERE p.leaf_no = ANY(%(parties)s) AND p.kind = 'party'
  AND NOT EXISTS (SELECT FROM lethe.archive_record AS d
                  WHERE hash_array_extended(d.subject_key, 0) = hash_array_extended(p.subject_key, 0)
                    AND d.subject_kind = p.subject_kind AND d.party_no = p.leaf_no)
  AND NOT EXISTS (SELECT FROM lethe.archive_record AS d
                  WHERE d.kind = 'document' AND d.content_token IS NOT NULL
                    AND d.party_no = p.leaf_no)
RETURNING p.leaf_no
