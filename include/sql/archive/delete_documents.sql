-- Delete document records, with their salts and data keys.
-- identifiers: none
-- values: leaves (bigint[])
-- locks: the deleted rows
DELETE FROM lethe.archive_record WHERE leaf_no = ANY(%(leaves)s) AND kind = 'document'
RETURNING leaf_no, party_no, subject_kind, subject_key::text
