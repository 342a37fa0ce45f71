-- Count archived documents of kinds of subject that the policy has no documents of any more.
-- identifiers: none
-- values: kinds (text[]): those that it has
-- locks: none
SELECT count(*) FROM lethe.archive_record
WHERE kind = 'document' AND subject_kind <> ALL(%(kinds)s)
