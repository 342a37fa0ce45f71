-- Say whether a hold or a restriction is in force on any subject of some kinds.
-- identifiers: none
-- values: kinds (text[])
-- locks: none
SELECT EXISTS (SELECT FROM lethe.hold WHERE released_at IS NULL AND subject_kind = ANY(%(kinds)s))
    OR EXISTS (SELECT FROM lethe.restriction WHERE released_at IS NULL AND subject_kind = ANY(%(kinds)s))
