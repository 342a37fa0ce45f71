-- Show on the edition itself who approved it.
-- identifiers: none
-- values: digest (bytea), by (text)
-- locks: the row of the edition
UPDATE lethe.policy_version
SET approved_at = now(), approved_by = %(by)s, approved_role = current_user
WHERE digest = %(digest)s
