-- Show on the edition itself who approved it; the database signs with the role.
-- identifiers: none
-- values: digest (bytea), by (text)
-- locks: the row of the edition
UPDATE lethe.policy_version
SET approved_at = now(), approved_by = %(by)s
WHERE digest = %(digest)s
