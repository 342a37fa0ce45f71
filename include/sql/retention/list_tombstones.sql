-- The tombstones of a kind of subject.
-- identifiers: none
-- values: subject_kind (text)
-- locks: none
SELECT token, kind, key_id, identifier, subject_token
FROM lethe.tombstone
WHERE subject_kind = %(subject_kind)s
