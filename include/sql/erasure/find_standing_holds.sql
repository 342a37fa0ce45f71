-- Whether any hold or restriction is in force on a kind of subject.
-- identifiers: none
-- values: kind (text)
-- locks: none
SELECT EXISTS (SELECT FROM lethe.hold WHERE subject_kind = %(kind)s AND released_at IS NULL)
    OR EXISTS (SELECT FROM lethe.restriction WHERE subject_kind = %(kind)s AND released_at IS NULL)
