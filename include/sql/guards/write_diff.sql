-- Keep what an edition changes, so that whoever approves it can read it.
-- identifiers: none
-- values: digest (bytea), diff (jsonb)
-- locks: the row of the edition
UPDATE lethe.policy_version
SET diff = coalesce(diff, jsonb_build_object()) || %(diff)s::jsonb
WHERE digest = %(digest)s
